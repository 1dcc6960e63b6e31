#include "client/commands/amounts.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "client/commands/table.h"

namespace cobble::client {
namespace {

/// The number with so many decimals.
std::string fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

/// Two whole numbers with their units; `digits` is how many the second one has at least.
std::string two_units(long a, char a_unit, long b, char b_unit, std::size_t digits) {
  std::string second = std::to_string(b);
  if (second.size() < digits) second.insert(0, digits - second.size(), '0');
  return std::to_string(a) + a_unit + second + b_unit;
}

/// Three significant digits below 100, none after the point above.
std::string three_digits(double value) {
  return fixed(value, value < 9.95 ? 2 : value < 99.5 ? 1 : 0);
}

/// Below a second: a number with `ns`, `µs` or `ms` in five columns.
std::string below_a_second(double nanoseconds) {
  static constexpr std::array<std::string_view, 3> units = {"ns", "µs", "ms"};
  std::size_t unit = 0;
  while (nanoseconds >= 999.5 && unit + 1 < units.size()) {
    nanoseconds /= 1000;
    ++unit;
  }
  return (nanoseconds < 9.95 ? fixed(nanoseconds, 1) : right_aligned(fixed(nanoseconds, 0), 3)) + std::string(units[unit]);
}

std::string days_and_more(double seconds) {
  const double days = seconds / 86400;
  const auto hours = std::lround(seconds / 3600);
  if (days < 9.95) return two_units(hours / 24, 'd', hours % 24, 'h', 2);
  if (days < 99.95) {
    // The exact form is used where it fits, one decimal where hours would need two digits.
    return hours % 24 < 10 ? two_units(hours / 24, 'd', hours % 24, 'h', 1) : fixed(days, 1) + "d";
  }
  const double years = days / 365.25;
  if (days < 364.5) return right_aligned(fixed(days, 0), 4) + "d";
  return right_aligned(fixed(years, years < 9.995 ? 2 : years < 99.95 ? 1 : 0), 4) + "y";
}

}  // namespace

std::string show_size(std::int64_t bytes) {
  if (bytes <= 5000) return std::to_string(bytes) + "B";
  static constexpr std::string_view units = "kMGTPE";
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < units.size()) {
    value /= 1000;
    ++unit;
  }
  return fixed(value, value < 9.5 ? 2 : value < 99.5 ? 1 : 0) + units[unit] + "B";
}

std::string show_short_duration(Nanoseconds duration) {
  const auto nanoseconds = static_cast<double>(duration.count());
  const double seconds = nanoseconds / 1e9;
  if (nanoseconds < 999.5e6) return below_a_second(nanoseconds);
  if (seconds < 59.95) return three_digits(seconds) + "s";
  const auto whole = std::lround(seconds);
  const auto minutes = std::lround(seconds / 60);
  if (whole < 600) return two_units(whole / 60, 'm', whole % 60, 's', 2);
  if (seconds / 60 < 60.05) return fixed(seconds / 60, 1) + "m";
  if (minutes < 600) return two_units(minutes / 60, 'h', minutes % 60, 'm', 2);
  if (seconds < 86400 - 180)
    return minutes % 60 < 10 ? two_units(minutes / 60, 'h', minutes % 60, 'm', 1) : fixed(seconds / 3600, 1) + "h";
  return days_and_more(seconds);
}

std::string show_rate(double bytes_a_second) {
  static constexpr std::array<std::string_view, 7> units = {"B/s", "kB/s", "MB/s", "GB/s", "TB/s", "PB/s", "EB/s"};
  std::size_t unit = 0;
  while (bytes_a_second >= 999.5 && unit + 1 < units.size()) {
    bytes_a_second /= 1000;
    ++unit;
  }
  const int decimals = unit == 0 || bytes_a_second >= 99.5 ? 0 : bytes_a_second < 9.95 ? 2 : 1;
  return fixed(bytes_a_second, decimals) + std::string(units[unit]);
}

}  // namespace cobble::client
