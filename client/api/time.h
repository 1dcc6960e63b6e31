#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cobble::client {

/// A moment as the server sent it: the zone it was written in is kept, since times are printed in it again.
struct Time {
  std::int64_t seconds = 0;      ///< since 1970-01-01T00:00:00Z
  std::int32_t nanoseconds = 0;  ///< 0 to 999,999,999
  std::int32_t offset = 0;       ///< of the zone, in seconds east of UTC

  /// The first moment of year 1 in UTC, which stands for "never".
  static constexpr Time zero() { return {-62135596800, 0, 0}; }
  bool is_zero() const { return seconds == zero().seconds && nanoseconds == 0; }
  /// Whether this moment is before `other`, whatever zones they are written in.
  bool before(const Time& other) const {
    return seconds != other.seconds ? seconds < other.seconds : nanoseconds < other.nanoseconds;
  }
};

/// Reads RFC 3339 (`2006-01-02T15:04:05.999999999+01:00`); nullopt for anything else.
std::optional<Time> parse_time(std::string_view text);

/// RFC 3339 in the time's own zone, the fraction without trailing zeros.
std::string format_time(const Time& time);
/// The same in whole seconds, cut off.
std::string format_time_seconds(const Time& time);
/// The same with exactly three digits of fraction, cut off.
std::string format_time_milliseconds(const Time& time);

}  // namespace cobble::client
