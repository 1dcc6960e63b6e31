#include "layers/duration.h"

#include <array>
#include <cstdint>

namespace cobble::layers {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t nanoseconds;
};

constexpr std::array units{
    Unit{"ns", 1},         Unit{"us", 1'000},        Unit{"\xC2\xB5s", 1'000},  Unit{"\xCE\xBCs", 1'000},
    Unit{"ms", 1'000'000}, Unit{"s", 1'000'000'000}, Unit{"m", 60'000'000'000}, Unit{"h", 3'600'000'000'000},
};

constexpr std::uint64_t limit = std::uint64_t{1} << 63;  // the magnitude of the most negative value

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Text in quotes with every byte that isn't printable ASCII as \xNN.
std::string quote_ascii(std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7F) {
      out += std::string("\\x") + hex[byte >> 4] + hex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

/// Reads one NUMBER UNIT group from the front of `rest`; adds it to `total`.
std::expected<void, std::string> read_group(std::string_view& rest, std::uint64_t& total, std::string_view all) {
  const auto invalid = [&] { return std::unexpected("time: invalid duration " + quote_ascii(all)); };
  std::uint64_t whole = 0;
  std::uint64_t fraction = 0;
  double scale = 1;
  bool digits = false;
  while (!rest.empty() && is_digit(rest[0])) {
    const auto digit = static_cast<std::uint64_t>(rest[0] - '0');
    if (whole > limit / 10) return invalid();
    whole = whole * 10 + digit;
    if (whole > limit) return invalid();
    digits = true;
    rest.remove_prefix(1);
  }
  if (!rest.empty() && rest[0] == '.') {
    rest.remove_prefix(1);
    bool full = false;
    while (!rest.empty() && is_digit(rest[0])) {
      digits = true;
      const auto digit = static_cast<std::uint64_t>(rest[0] - '0');
      // Digits beyond what 63 bits hold are finer than a nanosecond of any unit.
      if (!full && fraction <= (limit - 1 - 9) / 10) {
        fraction = fraction * 10 + digit;
        scale *= 10;
      } else {
        full = true;
      }
      rest.remove_prefix(1);
    }
  }
  if (!digits) return invalid();
  std::size_t length = 0;
  while (length < rest.size() && rest[length] != '.' && !is_digit(rest[length])) ++length;
  if (length == 0) return std::unexpected("time: missing unit in duration " + quote_ascii(all));
  const std::string_view name = rest.substr(0, length);
  rest.remove_prefix(length);
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    if (whole > limit / unit.nanoseconds) return invalid();
    std::uint64_t value = whole * unit.nanoseconds;
    if (fraction > 0)
      value += static_cast<std::uint64_t>(static_cast<double>(fraction) * (static_cast<double>(unit.nanoseconds) / scale));
    if (value > limit || total + value > limit) return invalid();
    total += value;
    return {};
  }
  return std::unexpected("time: unknown unit " + quote_ascii(name) + " in duration " + quote_ascii(all));
}

/// `1.5`: value / 10^digits without trailing zeros.
std::string decimal(std::uint64_t value, int digits) {
  std::uint64_t power = 1;
  for (int i = 0; i < digits; ++i) power *= 10;
  std::string out = std::to_string(value / power);
  std::uint64_t rest = value % power;
  if (rest == 0) return out;
  out += '.';
  while (rest != 0) {
    power /= 10;
    out += static_cast<char>('0' + rest / power);
    rest %= power;
  }
  return out;
}

}  // namespace

std::expected<Nanoseconds, std::string> parse_duration(std::string_view text) {
  std::string_view rest = text;
  bool negative = false;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
    negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  if (rest == "0") return Nanoseconds(0);
  if (rest.empty()) return std::unexpected("time: invalid duration " + quote_ascii(text));
  std::uint64_t total = 0;
  while (!rest.empty()) {
    if (auto group = read_group(rest, total, text); !group) return std::unexpected(std::move(group.error()));
  }
  if (negative) return Nanoseconds(static_cast<std::int64_t>(~total + 1));
  if (total > limit - 1) return std::unexpected("time: invalid duration " + quote_ascii(text));
  return Nanoseconds(static_cast<std::int64_t>(total));
}

std::string format_duration(Nanoseconds duration) {
  const std::int64_t count = duration.count();
  if (count == 0) return "0s";
  std::uint64_t value = count < 0 ? ~static_cast<std::uint64_t>(count) + 1 : static_cast<std::uint64_t>(count);
  std::string out = count < 0 ? "-" : "";
  if (value < 1'000) return out + std::to_string(value) + "ns";
  if (value < 1'000'000) return out + decimal(value, 3) + "\xC2\xB5s";
  if (value < 1'000'000'000) return out + decimal(value, 6) + "ms";
  constexpr std::uint64_t minute = 60'000'000'000;
  const std::uint64_t minutes = value / minute;
  if (minutes >= 60) out += std::to_string(minutes / 60) + "h";
  if (minutes > 0) out += std::to_string(minutes % 60) + "m";
  return out + decimal(value % minute, 9) + "s";
}

}  // namespace cobble::layers
