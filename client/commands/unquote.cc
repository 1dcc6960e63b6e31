#include "client/commands/unquote.h"

#include <charconv>

#include "layers/utf8.h"

namespace cobble::client {
namespace {

/// Takes `count` digits of the base off the front.
std::optional<unsigned> take_digits(std::string_view& text, std::size_t count, int base) {
  if (text.size() < count) return std::nullopt;
  unsigned value = 0;
  const auto read = std::from_chars(text.data(), text.data() + count, value, base);
  if (read.ec != std::errc() || read.ptr != text.data() + count) return std::nullopt;
  text.remove_prefix(count);
  return value;
}

/// Takes what follows a backslash; false if that is no escape.
bool take_escape(std::string_view& rest, std::string& text) {
  static constexpr std::string_view letters = "abfnrtv\\\"";
  static constexpr std::string_view meanings = "\a\b\f\n\r\t\v\\\"";
  if (rest.empty()) return false;
  const char c = rest[0];
  if (const auto at = letters.find(c); at != std::string_view::npos) {
    text += meanings[at];
    rest.remove_prefix(1);
    return true;
  }
  if (c >= '0' && c <= '7') {
    const auto value = take_digits(rest, 3, 8);
    if (!value || *value > 255) return false;
    text += static_cast<char>(*value);
    return true;
  }
  const std::size_t count = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (count == 0) return false;
  rest.remove_prefix(1);
  const auto value = take_digits(rest, count, 16);
  if (!value || *value > 0x10FFFF || (*value >= 0xD800 && *value < 0xE000)) return false;
  if (count == 2) {
    text += static_cast<char>(*value);
  } else {
    layers::append_utf8(text, *value);
  }
  return true;
}

}  // namespace

std::optional<std::string> unquote(std::string_view literal) {
  if (literal.size() < 2 || literal.front() != '"' || literal.back() != '"') return std::nullopt;
  std::string_view rest = literal.substr(1, literal.size() - 2);
  std::string text;
  while (!rest.empty()) {
    const char c = rest[0];
    rest.remove_prefix(1);
    if (c == '"' || c == '\n') return std::nullopt;
    if (c != '\\') {
      text += c;
    } else if (!take_escape(rest, text)) {
      return std::nullopt;
    }
  }
  return text;
}

}  // namespace cobble::client
