#include "layers/quote.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "layers/utf8.h"

namespace cobble::layers {

namespace {

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

// Blocks that hold no graphic characters: controls, format characters, separators other than the blank, surrogates, private use,
// non-characters.
constexpr std::array unprintable{
    Range{0x7F, 0xA0},     Range{0xAD, 0xAD},       Range{0x61C, 0x61C},     Range{0x6DD, 0x6DD},      Range{0x70F, 0x70F},
    Range{0x1680, 0x1680}, Range{0x180E, 0x180E},   Range{0x2000, 0x200F},   Range{0x2028, 0x202F},    Range{0x205F, 0x206F},
    Range{0x3000, 0x3000}, Range{0xD800, 0xF8FF},   Range{0xFDD0, 0xFDEF},   Range{0xFEFF, 0xFEFF},    Range{0xFFF0, 0xFFFB},
    Range{0xFFFE, 0xFFFF}, Range{0x1D173, 0x1D17A}, Range{0x1FFFE, 0x1FFFF}, Range{0xE0000, 0x10FFFF},
};

bool printable(std::uint32_t c) {
  if (c < 0x7F) return c >= 0x20;
  return std::ranges::none_of(unprintable, [c](const Range& range) { return c >= range.first && c <= range.last; });
}

void append_hex(std::string& out, std::string_view prefix, std::uint32_t value, int digits) {
  static constexpr char hex[] = "0123456789abcdef";
  out += prefix;
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += hex[(value >> shift) & 15];
}

void append_escaped(std::string& out, std::uint32_t c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\a':
      out += "\\a";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\v':
      out += "\\v";
      return;
    default:
      break;
  }
  if (c < 0x80) {
    append_hex(out, "\\x", c, 2);
  } else if (c < 0x10000) {
    append_hex(out, "\\u", c, 4);
  } else {
    append_hex(out, "\\U", c, 8);
  }
}

}  // namespace

std::string quote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    std::uint32_t c = 0;
    const std::size_t length = decode_utf8(text, c);
    if (length == 0) {
      append_hex(out, "\\x", static_cast<unsigned char>(text[0]), 2);
      text.remove_prefix(1);
      continue;
    }
    if (c != '"' && c != '\\' && printable(c)) {
      out += text.substr(0, length);
    } else {
      append_escaped(out, c);
    }
    text.remove_prefix(length);
  }
  return out + '"';
}

}  // namespace cobble::layers
