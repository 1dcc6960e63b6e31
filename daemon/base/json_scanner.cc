#include "daemon/base/json_scanner.h"

#include <cstdint>
#include <vector>

#include "daemon/base/utf8.h"

namespace cobble::base {

namespace {

constexpr std::size_t max_depth = 10'000;

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string quoted_character(char c) {
  switch (c) {
    case '\'':
      return "'\\''";
    case '"':
      return "'\"'";
    case '\\':
      return "'\\\\'";
    case '\n':
      return "'\\n'";
    case '\r':
      return "'\\r'";
    case '\t':
      return "'\\t'";
    case '\a':
      return "'\\a'";
    case '\b':
      return "'\\b'";
    case '\f':
      return "'\\f'";
    case '\v':
      return "'\\v'";
    default:
      break;
  }
  const auto byte = static_cast<unsigned char>(c);
  if (byte < 0x20 || byte == 0x7F) {
    static constexpr char hex[] = "0123456789abcdef";
    return std::string("'\\x") + hex[byte >> 4] + hex[byte & 15] + "'";
  }
  std::string text = "'";
  append_utf8(text, byte);
  return text + "'";
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::expected<std::string, std::string> scan() {
    skip_space();
    if (at_end()) return std::unexpected(std::string("EOF"));
    if (!scan_value()) return std::unexpected(std::move(error_));
    return std::move(out_);
  }

 private:
  enum class Place { object_start, object_key, object_colon, object_value, object_next, array_start, array_value, array_next };

  bool at_end() const { return position_ >= text_.size(); }
  char peek() const { return text_[position_]; }
  void take() { out_ += text_[position_++]; }
  void skip_space() {
    while (!at_end() && is_space(peek())) ++position_;
  }
  bool fail(std::string reason) {
    error_ = std::move(reason);
    return false;
  }
  bool cut_off() { return fail("unexpected EOF"); }
  bool unexpected_character(std::string_view context) {
    return fail("invalid character " + quoted_character(peek()) + " " + std::string(context));
  }

  // One value with all that it holds; the stack says where inside which containers we are.
  bool scan_value() {
    if (!begin_value()) return false;
    while (!stack_.empty()) {
      skip_space();
      if (at_end()) return cut_off();
      if (!step()) return false;
    }
    return true;
  }

  bool step() {
    Place& place = stack_.back();
    switch (place) {
      case Place::object_start:
        if (peek() == '}') return close();
        [[fallthrough]];
      case Place::object_key:
        if (peek() != '"') return unexpected_character("looking for beginning of object key string");
        place = Place::object_colon;
        return scan_string();
      case Place::object_colon:
        if (peek() != ':') return unexpected_character("after object key");
        place = Place::object_value;
        take();
        return true;
      case Place::object_value:
        place = Place::object_next;
        return begin_value();
      case Place::object_next:
        if (peek() == '}') return close();
        if (peek() != ',') return unexpected_character("after object key:value pair");
        place = Place::object_key;
        take();
        return true;
      case Place::array_start:
        if (peek() == ']') return close();
        [[fallthrough]];
      case Place::array_value:
        place = Place::array_next;
        return begin_value();
      case Place::array_next:
        if (peek() == ']') return close();
        if (peek() != ',') return unexpected_character("after array element");
        place = Place::array_value;
        take();
        return true;
    }
    return false;
  }

  bool close() {
    stack_.pop_back();
    take();
    return true;
  }

  bool open(Place place) {
    if (stack_.size() >= max_depth) return unexpected_character("exceeded max depth");
    stack_.push_back(place);
    take();
    return true;
  }

  bool begin_value() {
    const char c = peek();
    if (c == '{') return open(Place::object_start);
    if (c == '[') return open(Place::array_start);
    if (c == '"') return scan_string();
    if (c == 't') return scan_literal("true");
    if (c == 'f') return scan_literal("false");
    if (c == 'n') return scan_literal("null");
    if (c == '-' || is_digit(c)) return scan_number();
    return unexpected_character("looking for beginning of value");
  }

  bool scan_literal(std::string_view word) {
    take();
    for (const char expected : word.substr(1)) {
      if (at_end()) return cut_off();
      if (peek() != expected) {
        return unexpected_character("in literal " + std::string(word) + " (expecting " + quoted_character(expected) + ")");
      }
      take();
    }
    return true;
  }

  bool scan_digits(std::string_view context) {
    if (at_end()) return cut_off();
    if (!is_digit(peek())) return unexpected_character(context);
    while (!at_end() && is_digit(peek())) take();
    return true;
  }

  bool scan_number() {
    if (peek() == '-') {
      take();
      if (at_end()) return cut_off();
    }
    if (peek() == '0') {
      take();
    } else if (!scan_digits("in numeric literal")) {
      return false;
    }
    if (!at_end() && peek() == '.') {
      take();
      if (!scan_digits("after decimal point in numeric literal")) return false;
    }
    if (!at_end() && (peek() == 'e' || peek() == 'E')) {
      take();
      if (!at_end() && (peek() == '+' || peek() == '-')) take();
      if (!scan_digits("in exponent of numeric literal")) return false;
    }
    return true;
  }

  bool scan_string() {
    take();
    while (true) {
      if (at_end()) return cut_off();
      const char c = peek();
      if (c == '"') {
        take();
        return true;
      }
      if (c == '\\') {
        if (!scan_escape()) return false;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        return unexpected_character("in string literal");
      } else {
        const std::size_t length = utf8_length(text_.substr(position_));
        if (length == 0) {
          out_ += utf8_replacement;
          ++position_;
        } else {
          out_ += text_.substr(position_, length);
          position_ += length;
        }
      }
    }
  }

  bool scan_escape() {
    ++position_;
    if (at_end()) return cut_off();
    const char c = peek();
    if (c != 'u') {
      if (std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos) return unexpected_character("in string escape code");
      out_ += '\\';
      take();
      return true;
    }
    ++position_;
    std::uint32_t unit = 0;
    if (!scan_hex(unit)) return false;
    if (unit >= 0xD800 && unit < 0xDC00 && text_.substr(position_, 2) == "\\u") {
      const std::size_t before = position_;
      std::uint32_t low = 0;
      position_ += 2;
      if (!scan_hex(low)) return false;
      if (low >= 0xDC00 && low < 0xE000) {
        append_utf8(out_, 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
        return true;
      }
      position_ = before;  // the second escape stands for itself
    }
    append_character(unit);
    return true;
  }

  void append_character(std::uint32_t c) {
    if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += static_cast<char>(c);
    } else if (c < 0x20) {
      static constexpr char hex[] = "0123456789abcdef";
      out_ += std::string("\\u00") + hex[c >> 4] + hex[c & 15];
    } else {
      append_utf8(out_, c);
    }
  }

  bool scan_hex(std::uint32_t& out) {
    for (int i = 0; i < 4; ++i) {
      if (at_end()) return cut_off();
      const char c = peek();
      std::uint32_t digit = 0;
      if (is_digit(c)) {
        digit = static_cast<std::uint32_t>(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        digit = static_cast<std::uint32_t>(c - 'a' + 10);
      } else if (c >= 'A' && c <= 'F') {
        digit = static_cast<std::uint32_t>(c - 'A' + 10);
      } else {
        return unexpected_character("in \\u hexadecimal character escape");
      }
      out = out * 16 + digit;
      ++position_;
    }
    return true;
  }

  std::string_view text_;
  std::size_t position_ = 0;
  std::string out_;
  std::string error_;
  std::vector<Place> stack_;
};

}  // namespace

std::expected<std::string, std::string> scan_json(std::string_view text) {
  return Scanner(text).scan();
}

}  // namespace cobble::base
