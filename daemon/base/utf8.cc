#include "daemon/base/utf8.h"

#include "layers/utf8.h"

namespace cobble::base {

std::size_t utf8_length(std::string_view text) {
  std::uint32_t code_point = 0;
  return layers::decode_utf8(text, code_point);
}

std::string repair_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      out += utf8_replacement;
      text.remove_prefix(1);
    } else {
      out += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return out;
}

void append_utf8(std::string& out, std::uint32_t c) {
  if (c >= 0x110000 || (c >= 0xD800 && c < 0xE000)) {
    out += utf8_replacement;
  } else {
    layers::append_utf8(out, c);
  }
}

}  // namespace cobble::base
