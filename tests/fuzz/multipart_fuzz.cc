// A multipart body in pieces of any size: parts come in order, and the same bytes in other pieces say the same.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "daemon/files/media_type.h"
#include "daemon/files/multipart.h"

namespace {

using cobble::files::MultipartParser;
using Event = MultipartParser::Event;

std::string describe(const char* bytes, std::size_t size, std::size_t piece) {
  MultipartParser parser("0123456789");
  std::string seen;
  bool in_part = false;
  std::size_t at = 0;
  while (true) {
    switch (parser.next()) {
      case Event::need_bytes: {
        const auto space = parser.space();
        if (space.empty()) std::abort();
        const std::size_t count = std::min({piece, space.size(), size - at});
        if (count > 0) std::memcpy(space.data(), bytes + at, count);
        at += count;
        if (count == 0) {
          parser.ended();
        } else {
          parser.took(count);
        }
        break;
      }
      case Event::part:
        if (in_part) std::abort();
        in_part = true;
        seen += "<" + parser.disposition() + ">";
        cobble::files::parse_media_type(parser.disposition());
        break;
      case Event::content:
        if (!in_part || parser.content().empty()) std::abort();
        seen += parser.content();
        break;
      case Event::part_end:
        if (!in_part) std::abort();
        in_part = false;
        break;
      case Event::end:
        return seen + "end";
      case Event::error:
        return "error";
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const char* bytes = reinterpret_cast<const char*>(data) + 1;
  if (describe(bytes, size - 1, 1 + data[0]) != describe(bytes, size - 1, size)) std::abort();
  return 0;
}
