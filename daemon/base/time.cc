#include "daemon/base/time.h"

#include <time.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "layers/quote.h"

namespace cobble::base {

namespace {

struct Split {
  std::time_t seconds;
  std::int64_t nanoseconds;
};

Split split(WallTime time) {
  const std::int64_t count = time.time_since_epoch().count();
  std::int64_t seconds = count / 1'000'000'000;
  std::int64_t rest = count % 1'000'000'000;
  if (rest < 0) {
    rest += 1'000'000'000;
    --seconds;
  }
  return {static_cast<std::time_t>(seconds), rest};
}

void append_padded(std::string& out, std::int64_t number, int width) {
  std::array<char, 20> digits;
  auto first = digits.end();
  for (; number != 0 || width > 0; number /= 10, --width) *--first = static_cast<char>('0' + number % 10);
  out.append(first, digits.end());
}

void append_date_time(std::string& out, const std::tm& tm) {
  append_padded(out, tm.tm_year + 1900, 4);
  out += '-';
  append_padded(out, tm.tm_mon + 1, 2);
  out += '-';
  append_padded(out, tm.tm_mday, 2);
  out += 'T';
  append_padded(out, tm.tm_hour, 2);
  out += ':';
  append_padded(out, tm.tm_min, 2);
  out += ':';
  append_padded(out, tm.tm_sec, 2);
}

void append_fraction(std::string& out, std::int64_t nanoseconds) {
  if (nanoseconds == 0) return;
  out += '.';
  append_padded(out, nanoseconds, 9);
  while (out.back() == '0') out.pop_back();
}

void append_offset(std::string& out, long seconds) {
  const long minutes = seconds / 60;
  if (minutes == 0) {
    out += 'Z';
    return;
  }
  out += minutes < 0 ? '-' : '+';
  const long absolute = std::labs(minutes);
  append_padded(out, absolute / 60, 2);
  out += ':';
  append_padded(out, absolute % 60, 2);
}

std::tm utc(std::time_t seconds) {
  std::tm tm{};
  ::gmtime_r(&seconds, &tm);
  return tm;
}

std::tm local(std::time_t seconds) {
  std::tm tm{};
  ::localtime_r(&seconds, &tm);
  return tm;
}

/// Walks through the text of a time; each step says what it could not read.
class TimeParser {
 public:
  explicit TimeParser(std::string_view text) : all_(text), rest_(text) {}

  std::expected<WallTime, std::string> parse() {
    std::tm tm{};
    long offset = 0;
    std::int64_t nanoseconds = 0;
    if (!digits(4, tm.tm_year)) return cannot("2006");
    if (!literal('-')) return cannot("-");
    if (!digits(2, tm.tm_mon)) return cannot("01");
    if (tm.tm_mon < 1 || tm.tm_mon > 12) return out_of_range("month");
    if (!literal('-')) return cannot("-");
    if (!digits(2, tm.tm_mday)) return cannot("02");
    if (!literal('T')) return cannot("T");
    if (!one_or_two_digits(tm.tm_hour)) return cannot("15");
    if (tm.tm_hour > 23) return out_of_range("hour");
    if (!literal(':')) return cannot(":");
    if (!digits(2, tm.tm_min)) return cannot("04");
    if (tm.tm_min > 59) return out_of_range("minute");
    if (!literal(':')) return cannot(":");
    if (!digits(2, tm.tm_sec)) return cannot("05");
    if (tm.tm_sec > 59) return out_of_range("second");
    read_fraction(nanoseconds);
    if (!read_zone(offset)) return cannot("Z07:00");
    if (!rest_.empty()) return std::unexpected(prefix() + ": extra text: " + layers::quote(rest_));
    if (tm.tm_mday < 1 || tm.tm_mday > days_in_month(tm.tm_year, tm.tm_mon)) return out_of_range("day");
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    const std::int64_t seconds = ::timegm(&tm) - offset;
    // What nanoseconds since the epoch can't hold stands at the end of their range.
    constexpr std::int64_t limit = 9'223'372'035;
    if (seconds > limit) return WallTime::max();
    if (seconds < -limit) return WallTime::min();
    return WallTime(Nanoseconds(seconds * 1'000'000'000 + nanoseconds));
  }

 private:
  static int days_in_month(int year, int month) {
    static constexpr std::array days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[static_cast<std::size_t>(month - 1)];
  }

  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  bool digits(std::size_t count, int& out) {
    if (rest_.size() < count) return false;
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!is_digit(rest_[i])) return false;
      value = value * 10 + (rest_[i] - '0');
    }
    out = value;
    rest_.remove_prefix(count);
    return true;
  }
  bool one_or_two_digits(int& out) { return digits(2, out) || digits(1, out); }
  bool literal(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void read_fraction(std::int64_t& nanoseconds) {
    if (rest_.size() < 2 || (rest_[0] != '.' && rest_[0] != ',') || !is_digit(rest_[1])) return;
    rest_.remove_prefix(1);
    std::int64_t scale = 100'000'000;
    while (!rest_.empty() && is_digit(rest_[0])) {
      nanoseconds += (rest_[0] - '0') * scale;
      scale /= 10;
      rest_.remove_prefix(1);
    }
  }
  bool read_zone(long& offset) {
    if (literal('Z')) return true;
    if (rest_.size() < 6 || (rest_[0] != '+' && rest_[0] != '-') || rest_[3] != ':') return false;
    const bool negative = rest_[0] == '-';
    std::string_view before = rest_;
    int hours = 0;
    int minutes = 0;
    rest_.remove_prefix(1);
    const bool good = digits(2, hours) && literal(':') && digits(2, minutes) && hours <= 24 && minutes < 60;
    if (!good) {
      rest_ = before;
      return false;
    }
    offset = (hours * 60L + minutes) * 60L;
    if (negative) offset = -offset;
    return true;
  }

  std::string prefix() const { return "parsing time " + layers::quote(all_); }
  std::unexpected<std::string> cannot(std::string_view element) const {
    return std::unexpected(prefix() + " as \"2006-01-02T15:04:05Z07:00\": cannot parse " + layers::quote(rest_) + " as " +
                           layers::quote(element));
  }
  std::unexpected<std::string> out_of_range(std::string_view what) const {
    return std::unexpected(prefix() + ": " + std::string(what) + " out of range");
  }

  std::string_view all_;
  std::string_view rest_;
};

}  // namespace

WallTime wall_now() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return WallTime(Nanoseconds(std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec));
}

std::string format_utc(WallTime time) {
  const auto [seconds, nanoseconds] = split(time);
  std::string out;
  out.reserve(32);
  append_date_time(out, utc(seconds));
  append_fraction(out, nanoseconds);
  out += 'Z';
  return out;
}

std::string format_local(WallTime time) {
  const auto [seconds, nanoseconds] = split(time);
  const std::tm tm = local(seconds);
  std::string out;
  out.reserve(36);
  append_date_time(out, tm);
  append_fraction(out, nanoseconds);
  append_offset(out, tm.tm_gmtoff);
  return out;
}

std::string format_local_seconds(WallTime time) {
  const std::tm tm = local(split(time).seconds);
  std::string out;
  append_date_time(out, tm);
  append_offset(out, tm.tm_gmtoff);
  return out;
}

void append_log_time(std::string& out, WallTime time) {
  const auto [seconds, nanoseconds] = split(time);
  append_date_time(out, utc(seconds));
  out += '.';
  append_padded(out, nanoseconds / 1'000'000, 3);
  out += 'Z';
}

std::string format_log_time(WallTime time) {
  std::string out;
  append_log_time(out, time);
  return out;
}

std::expected<WallTime, std::string> parse_time(std::string_view text) {
  return TimeParser(text).parse();
}

}  // namespace cobble::base
