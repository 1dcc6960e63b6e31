#include "client/api/time.h"

#include <chrono>
#include <cstdio>

namespace cobble::client {
namespace {

/// Takes `count` digits off the front of `text`.
std::optional<int> take_number(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

/// The fraction of a second after its dot, in nanoseconds; digits past the ninth are dropped.
std::optional<std::int32_t> take_fraction(std::string_view& text) {
  std::int32_t nanoseconds = 0;
  std::size_t digits = 0;
  while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
    if (digits < 9) nanoseconds = nanoseconds * 10 + (text[0] - '0');
    ++digits;
    text.remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 9; ++digits) nanoseconds *= 10;
  return nanoseconds;
}

/// `Z` or `+01:00`, in seconds; nothing may follow.
std::optional<std::int32_t> take_zone(std::string_view& text) {
  if (text == "Z") return 0;
  const bool west = !text.empty() && text[0] == '-';
  if (!west && !(!text.empty() && text[0] == '+')) return std::nullopt;
  text.remove_prefix(1);
  const auto hours = take_number(text, 2);
  if (!hours || *hours > 23 || !take(text, ':')) return std::nullopt;
  const auto minutes = take_number(text, 2);
  if (!minutes || *minutes > 59 || !text.empty()) return std::nullopt;
  const int offset = *hours * 3600 + *minutes * 60;
  return west ? -offset : offset;
}

std::string zone_text(std::int32_t offset) {
  if (offset == 0) return "Z";
  const int minutes = (offset < 0 ? -offset : offset) / 60;
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, "%c%02d:%02d", offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
  return buffer;
}

std::string format_with_fraction(const Time& time, const std::string& fraction) {
  using namespace std::chrono;
  const sys_seconds local{seconds(time.seconds + time.offset)};
  const auto day = floor<days>(local);
  const year_month_day date{day};
  const hh_mm_ss clock{local - day};
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
  return buffer + fraction + zone_text(time.offset);
}

std::string nine_digits(std::int32_t nanoseconds) {
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, ".%09d", static_cast<int>(nanoseconds));
  return buffer;
}

}  // namespace

std::optional<Time> parse_time(std::string_view text) {
  using namespace std::chrono;
  const auto y = take_number(text, 4);
  if (!y || !take(text, '-')) return std::nullopt;
  const auto mon = take_number(text, 2);
  if (!mon || !take(text, '-')) return std::nullopt;
  const auto d = take_number(text, 2);
  if (!d || !take(text, 'T')) return std::nullopt;
  const auto h = take_number(text, 2);
  if (!h || *h > 23 || !take(text, ':')) return std::nullopt;
  const auto m = take_number(text, 2);
  if (!m || *m > 59 || !take(text, ':')) return std::nullopt;
  const auto s = take_number(text, 2);
  if (!s || *s > 59) return std::nullopt;
  std::optional<std::int32_t> fraction = 0;
  if (take(text, '.') || take(text, ',')) fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  const auto offset = take_zone(text);
  const year_month_day date{year{*y}, month{static_cast<unsigned>(*mon)}, day{static_cast<unsigned>(*d)}};
  if (!offset || !date.ok()) return std::nullopt;
  const auto moment = sys_seconds{sys_days{date}} + hours{*h} + minutes{*m} + seconds{*s - *offset};
  return Time{moment.time_since_epoch().count(), *fraction, *offset};
}

std::string format_time(const Time& time) {
  std::string fraction;
  if (time.nanoseconds != 0) {
    fraction = nine_digits(time.nanoseconds);
    fraction.erase(fraction.find_last_not_of('0') + 1);
  }
  return format_with_fraction(time, fraction);
}

std::string format_time_seconds(const Time& time) {
  return format_with_fraction(time, "");
}

std::string format_time_milliseconds(const Time& time) {
  return format_with_fraction(time, nine_digits(time.nanoseconds).substr(0, 4));
}

}  // namespace cobble::client
