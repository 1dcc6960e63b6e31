#include "layers/scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace cobble::layers {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

std::string without_underscores(std::string_view text) {
  std::string out(text);
  std::erase(out, '_');
  return out;
}

/// Digits of a base; a value that doesn't fit is `fits = false`.
std::optional<Scalar> integer_in_base(std::string_view digits, int base, bool negative) {
  if (digits.empty()) return std::nullopt;
  Scalar scalar;
  scalar.type = ScalarType::integer;
  std::uint64_t value = 0;
  for (const char c : digits) {
    int digit = -1;
    if (is_digit(c)) digit = c - '0';
    if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
    if (c >= 'A' && c <= 'F') digit = c - 'A' + 10;
    if (digit < 0 || digit >= base) return std::nullopt;
    scalar.real = scalar.real * base + digit;
    if (value >
        (std::numeric_limits<std::uint64_t>::max() - static_cast<std::uint64_t>(digit)) / static_cast<std::uint64_t>(base))
      scalar.fits = false;
    value = value * static_cast<std::uint64_t>(base) + static_cast<std::uint64_t>(digit);
  }
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  if (value > most + (negative ? 1 : 0)) scalar.fits = false;
  scalar.integer = static_cast<std::int64_t>(negative ? ~value + 1 : value);
  if (negative) scalar.real = -scalar.real;
  if (!scalar.fits) scalar.type = ScalarType::real;
  return scalar;
}

std::optional<Scalar> read_integer(std::string_view text) {
  const std::string plain = without_underscores(text);
  std::string_view rest = plain;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest.starts_with("0x") || rest.starts_with("0X")) return integer_in_base(rest.substr(2), 16, negative);
  if (rest.starts_with("0b") || rest.starts_with("0B")) return integer_in_base(rest.substr(2), 2, negative);
  if (rest.starts_with("0o") || rest.starts_with("0O")) return integer_in_base(rest.substr(2), 8, negative);
  if (rest.size() > 1 && rest.starts_with('0')) {
    if (auto octal = integer_in_base(rest.substr(1), 8, negative)) return octal;
    return std::nullopt;
  }
  return integer_in_base(rest, 10, negative);
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
bool looks_like_float(std::string_view text) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t before = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i > before;
  };
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  const bool whole = digits();
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (!digits() && !whole) return false;
  } else if (!whole) {
    return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (!digits()) return false;
  }
  return i == text.size();
}

std::optional<double> read_float(std::string_view text) {
  const std::string plain = without_underscores(text);
  std::string_view rest = plain;
  if (one_of(rest, {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"})) return std::numeric_limits<double>::infinity();
  if (one_of(rest, {"-.inf", "-.Inf", "-.INF"})) return -std::numeric_limits<double>::infinity();
  if (one_of(rest, {".nan", ".NaN", ".NAN"})) return std::numeric_limits<double>::quiet_NaN();
  if (!looks_like_float(rest)) return std::nullopt;
  if (rest.starts_with('+')) rest.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error != std::errc() || end != rest.data() + rest.size()) return std::nullopt;
  return value;
}

bool digits_at(std::string_view text, std::size_t at, std::size_t count) {
  return text.size() >= at + count && std::ranges::all_of(text.substr(at, count), is_digit);
}

/// `2001-12-14`, alone or with a time behind it.
bool looks_like_timestamp(std::string_view text) {
  if (!digits_at(text, 0, 4) || text.size() < 8 || text[4] != '-') return false;
  const std::size_t second = text.find('-', 5);
  if (second == std::string_view::npos || second == 5 || second > 7 || !digits_at(text, 5, second - 5)) return false;
  std::size_t i = second + 1;
  while (i < text.size() && is_digit(text[i])) ++i;
  const std::size_t day = i - second - 1;
  if (day < 1 || day > 2) return false;
  if (i == text.size()) return text.size() == 10;
  if (text[i] != 'T' && text[i] != 't' && text[i] != ' ') return false;
  return text.find(':', i) != std::string_view::npos && is_digit(text.back() == 'Z' ? text[text.size() - 2] : text.back());
}

/// `12:30:45`, `1:2:3.5`: a sign, digits, then one or more `:` with 0 to 59, perhaps a fraction.
bool looks_like_base_60(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  std::size_t i = 0;
  while (i < text.size() && (is_digit(text[i]) || (i > 0 && text[i] == '_'))) ++i;
  if (i == 0 || i == text.size()) return false;
  while (i < text.size() && text[i] == ':') {
    const std::size_t begin = ++i;
    while (i < text.size() && is_digit(text[i])) ++i;
    const std::size_t count = i - begin;
    if (count < 1 || count > 2 || (count == 2 && text[begin] > '5')) return false;
  }
  if (i < text.size() && text[i] == '.') {
    ++i;
    while (i < text.size() && (is_digit(text[i]) || text[i] == '_')) ++i;
  }
  return i == text.size() && text.find(':') != std::string_view::npos;
}

constexpr std::string_view core_tag = "tag:yaml.org,2002:";

}  // namespace

Scalar resolve_plain(std::string_view text) {
  Scalar scalar;
  if (text.empty() || one_of(text, {"~", "null", "Null", "NULL"})) {
    scalar.type = ScalarType::null;
  } else if (one_of(text, {"true", "True", "TRUE", "false", "False", "FALSE"})) {
    scalar.type = ScalarType::boolean;
  } else if (std::string_view("+-.0123456789").find(text[0]) == std::string_view::npos) {
    return scalar;
  } else if (looks_like_timestamp(text)) {
    scalar.type = ScalarType::timestamp;
  } else if (auto integer = read_integer(text)) {
    return *integer;
  } else if (const auto real = read_float(text)) {
    scalar.type = ScalarType::real;
    scalar.real = *real;
  }
  if (scalar.type == ScalarType::integer) scalar.real = static_cast<double>(scalar.integer);
  return scalar;
}

Scalar resolve(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::null) return {ScalarType::null, 0, 0, true};
  const std::string_view tag = node.tag;
  if (tag.starts_with(core_tag)) {
    const std::string_view name = tag.substr(core_tag.size());
    if (name == "str") return {};
    if (name == "binary") return {ScalarType::binary, 0, 0, true};
    return resolve_plain(node.text);
  }
  if (node.quoted) return {};
  return resolve_plain(node.text);
}

std::string_view short_tag(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::sequence:
      return "!!seq";
    case YamlNode::Kind::mapping:
      return "!!map";
    case YamlNode::Kind::null:
      return "!!null";
    case YamlNode::Kind::scalar:
      break;
  }
  switch (resolve(node).type) {
    case ScalarType::null:
      return "!!null";
    case ScalarType::boolean:
      return "!!bool";
    case ScalarType::integer:
      return "!!int";
    case ScalarType::real:
      return "!!float";
    case ScalarType::timestamp:
      return "!!timestamp";
    case ScalarType::binary:
      return "!!binary";
    case ScalarType::string:
      break;
  }
  return "!!str";
}

bool reads_as_string(std::string_view text) {
  if (text == "=") return false;  // YAML 1.1's value key, which its readers refuse as a value
  if (resolve_plain(text).type != ScalarType::string) return false;
  if (one_of(text, {"y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF"}))
    return false;
  return !looks_like_base_60(text);
}

}  // namespace cobble::layers
