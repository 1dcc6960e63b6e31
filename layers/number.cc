#include "layers/number.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "layers/quote.h"

namespace cobble::layers {

namespace {

/// Shortest digits; scientific when the decimal exponent is below -4 or at least `limit`.
std::string shortest(double value, int limit) {
  std::array<char, 64> buffer;
  auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  const std::string scientific(buffer.data(), result.ptr);
  const int exponent = std::stoi(scientific.substr(scientific.find('e') + 1));
  if (exponent < -4 || exponent >= limit) return scientific;
  result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed);
  return std::string(buffer.data(), result.ptr);
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_digit_of(char c, bool hex) {
  return (c >= '0' && c <= '9') || (hex && lower(c) >= 'a' && lower(c) <= 'f');
}

/// Underscores may stand between digits only (and behind `0x`).
bool good_underscores(std::string_view text, bool hex) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') continue;
    const bool before = i > 0 && (is_digit_of(text[i - 1], hex) || (hex && lower(text[i - 1]) == 'x'));
    const bool after = i + 1 < text.size() && is_digit_of(text[i + 1], hex);
    if (!before || !after) return false;
  }
  return true;
}

}  // namespace

std::string format_float(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return shortest(value, 21);
}

std::string format_yaml_float(double value) {
  if (std::isnan(value)) return ".nan";
  if (std::isinf(value)) return value > 0 ? ".inf" : "-.inf";
  // An exponent appears from 1e+21 on, and before that where it makes the text shorter than six digits more would.
  return shortest(value, 6);
}

std::expected<double, std::string> parse_float(std::string_view text) {
  const auto invalid = [&] { return std::unexpected("invalid floating-point number " + quote(text)); };
  std::string plain;
  for (const char c : text) plain += lower(c);
  std::string_view rest = plain;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  const auto signed_value = [negative](double value) { return negative ? -value : value; };
  if (rest == "inf" || rest == "infinity") return signed_value(std::numeric_limits<double>::infinity());
  if (rest == "nan" && rest.size() == plain.size()) return std::numeric_limits<double>::quiet_NaN();
  const bool hex = rest.starts_with("0x");
  if (!good_underscores(rest, hex)) return invalid();
  std::string digits(rest);
  std::erase(digits, '_');
  rest = digits;
  if (hex) {
    // A hexadecimal float needs its binary exponent.
    rest.remove_prefix(2);
    if (rest.find('p') == std::string_view::npos) return invalid();
  }
  if (rest.empty() || !(is_digit_of(rest[0], hex) || rest[0] == '.')) return invalid();
  double value = 0;
  const auto [end, error] =
      std::from_chars(rest.data(), rest.data() + rest.size(), value, hex ? std::chars_format::hex : std::chars_format::general);
  if (end != rest.data() + rest.size() || error == std::errc::invalid_argument) return invalid();
  if (error == std::errc::result_out_of_range) {
    // Out of range either way; the C library says which. Too small counts as zero, or as what is left of it.
    value = std::strtod((hex ? "0x" + digits.substr(2) : digits).c_str(), nullptr);
    if (std::isinf(value)) return invalid();
  }
  return signed_value(value);
}

}  // namespace cobble::layers
