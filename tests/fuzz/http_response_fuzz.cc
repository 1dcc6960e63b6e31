#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/net/gzip.h"
#include "daemon/net/response_parser.h"
#include "daemon/net/url.h"

using namespace cobble::net;

namespace {

constexpr std::size_t body_limit = 64;

/// Reads `text` in pieces, up to what is refused.
void read(std::string_view text, std::size_t piece, ResponseParser& parser) {
  for (std::size_t at = 0; at < text.size(); at += piece)
    if (!parser.put(text.substr(at, piece))) return;
}

}  // namespace

/// What a target of checks or log forwarding may send: responses, packed bodies, Location headers.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ResponseParser whole(512, body_limit);
  read(text, size + 1, whole);
  ResponseParser pieces(512, body_limit);
  read(text, 3, pieces);
  if (whole.response().body.size() > body_limit || pieces.response().body.size() > body_limit) std::abort();
  static_cast<void>(whole.end());

  if (const auto unpacked = unpack_gzip(text, body_limit); unpacked && unpacked->size() > body_limit) std::abort();

  static const Url base = *parse_url("http://h/a/b?c");
  if (const auto url = parse_url(text)) {
    const Url resolved = resolve_reference(base, *url);
    if (resolved.target().find_first_of(" \r\n") != std::string::npos) std::abort();
    static_cast<void>(resolved.text(true));
  }
  return 0;
}
