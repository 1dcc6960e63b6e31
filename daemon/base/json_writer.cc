#include "daemon/base/json_writer.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "daemon/base/utf8.h"

namespace cobble::base {

namespace {

/// Bytes that go into a JSON string as they are, without a look at their neighbours.
constexpr auto plain_bytes_with_markup = [] {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x80; ++c) plain[c] = true;
  for (const char c : {'"', '\\'}) plain[static_cast<unsigned char>(c)] = false;
  return plain;
}();
constexpr auto plain_bytes = [] {
  auto plain = plain_bytes_with_markup;
  for (const char c : {'<', '>', '&'}) plain[static_cast<unsigned char>(c)] = false;
  return plain;
}();

constexpr std::uint64_t repeated(unsigned char c) {
  return 0x0101010101010101U * c;
}

/// Whether any of eight bytes is `c`.
constexpr bool has_byte(std::uint64_t word, unsigned char c) {
  const std::uint64_t zero_where_equal = word ^ repeated(c);
  return ((zero_where_equal - repeated(0x01)) & ~zero_where_equal & repeated(0x80)) != 0;
}

/// Whether eight bytes go into a JSON string as they are, all of them.
bool all_plain(std::uint64_t word, Markup markup) {
  const std::uint64_t below_blank = (word - repeated(0x20)) & ~word;
  if (((word | below_blank) & repeated(0x80)) != 0 || has_byte(word, '"') || has_byte(word, '\\')) return false;
  return markup == Markup::keep || !(has_byte(word, '<') || has_byte(word, '>') || has_byte(word, '&'));
}

void append_ascii(std::string& out, unsigned char c) {
  static constexpr char hex[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    case '\b':
      out += "\\b";
      break;
    case '\f':
      out += "\\f";
      break;
    default:
      out += "\\u00";
      out += hex[c >> 4];
      out += hex[c & 15];
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text, Markup markup) {
  const auto& plain = markup == Markup::keep ? plain_bytes_with_markup : plain_bytes;
  out += '"';
  std::size_t start = 0;
  std::size_t i = 0;
  std::size_t next_word = 0;  // before it the bytes are looked at one by one
  while (i < text.size()) {
    if (std::uint64_t word = 0; i >= next_word && text.size() - i >= sizeof word) {
      std::memcpy(&word, text.data() + i, sizeof word);
      next_word = i + sizeof word;
      if (all_plain(word, markup)) {
        i = next_word;
        continue;
      }
    }
    const auto c = static_cast<unsigned char>(text[i]);
    if (plain[c]) {
      ++i;
      continue;
    }
    if (c >= 0x80) {
      const std::size_t length = utf8_length(text.substr(i));
      const bool line_separator =
          length == 3 && c == 0xE2 && text[i + 1] == '\x80' && (text[i + 2] == '\xA8' || text[i + 2] == '\xA9');
      if (length != 0 && !line_separator) {
        i += length;
        continue;
      }
      out.append(text, start, i - start);
      if (length == 0) {
        out += utf8_replacement;
        ++i;
      } else {
        out += text[i + 2] == '\xA8' ? "\\u2028" : "\\u2029";
        i += 3;
      }
    } else {
      out.append(text, start, i - start);
      append_ascii(out, c);
      ++i;
    }
    start = i;
  }
  out.append(text, start, text.size() - start);
  out += '"';
}

}  // namespace cobble::base
