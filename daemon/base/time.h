#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

/// Points in time and their text (contract 03, section 2.9).
namespace cobble::base {

using Nanoseconds = std::chrono::duration<std::int64_t, std::nano>;
/// Wall-clock time with nanoseconds since the epoch.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Nanoseconds>;
/// Monotonic time, for timers and durations.
using SteadyTime = std::chrono::steady_clock::time_point;

WallTime wall_now();

/// RFC 3339 with up to nine fraction digits, trailing zeros removed, in UTC (`Z`).
std::string format_utc(WallTime time);
/// The same in the daemon's local time zone (`+01:00`; `Z` when the offset is zero).
std::string format_local(WallTime time);
/// Whole seconds in the local time zone, as task-log lines begin.
std::string format_local_seconds(WallTime time);
/// `2026-11-23T07:34:02.626Z`: UTC with exactly three fraction digits, as log lines begin.
std::string format_log_time(WallTime time);
/// Appends the same to `out` without allocating in between.
void append_log_time(std::string& out, WallTime time);

/// Reads RFC 3339 (contract 03 2.9 "Timestamps in"); the error is the reference's text, such as
/// `parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"`.
std::expected<WallTime, std::string> parse_time(std::string_view text);

}  // namespace cobble::base
