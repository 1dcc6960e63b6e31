// A client's frames in pieces of any size: nothing crashes, and the same bytes in other pieces say the same.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "daemon/exec/websocket.h"

namespace {

using cobble::exec::FrameDecoder;
using Event = FrameDecoder::Event;

std::string describe(const char* bytes, std::size_t size, std::size_t piece, std::size_t buffer_size) {
  FrameDecoder decoder(buffer_size);
  std::string seen;
  std::size_t at = 0;
  while (true) {
    const Event event = decoder.next();
    switch (event) {
      case Event::need_bytes: {
        if (at == size) return seen;
        const auto space = decoder.space();
        if (space.empty()) std::abort();
        const std::size_t count = std::min({piece, space.size(), size - at});
        std::memcpy(space.data(), bytes + at, count);
        at += count;
        decoder.took(count);
        break;
      }
      case Event::data:
        seen.append(decoder.payload()).append(decoder.message_ends() ? (decoder.is_text() ? "|t" : "|b") : "");
        break;
      case Event::ping:
      case Event::pong:
      case Event::close:
      case Event::violation:
        if (decoder.payload().size() > 125) std::abort();
        seen.append("|").append(std::to_string(static_cast<int>(event))).append(decoder.payload());
        if (event == Event::close || event == Event::violation) return seen;
        break;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const char* bytes = reinterpret_cast<const char*>(data) + 2;
  if (describe(bytes, size - 2, 1 + data[0], data[1]) != describe(bytes, size - 2, size, 65536)) std::abort();
  return 0;
}
