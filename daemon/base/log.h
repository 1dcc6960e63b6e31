#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/base/time.h"

/// The daemon's own log: lines `2026-11-23T07:34:02.626Z [pebble] TEXT` on stderr (contract 07), written by a thread of their own
/// from a bounded queue, so that a blocked stderr never stops the loop. What had to be dropped is counted and said when writing
/// works again.
namespace cobble::base {

/// Writes one line. Line ends inside `text` are kept; one at its end isn't doubled. Any thread.
void log(std::string_view text);
/// Writes `DEBUG TEXT` when PEBBLE_DEBUG=1.
void log_debug(std::string_view text);
bool log_debug_enabled();

/// Security events, one JSON object a line (contract 08): event such as `authz_fail:1000,/v1/plan`, level such as `CRITICAL`.
void log_security(std::string_view level, std::string_view event, std::string_view description);
/// The text of such an object: `datetime` in whole seconds, an empty description left out, `<`, `>` and `&` as they are.
std::string security_event(WallTime time, std::string_view level, std::string_view event, std::string_view description);

/// Hides all lines from now on (`pebble enter` with some subcommands).
void set_log_quiet(bool quiet);
/// Where the log stands: everything logged so far comes before it.
std::uint64_t log_position();
/// Whether what comes before `position` has reached stderr.
bool log_written(std::uint64_t position);
/// Starts the writer thread; before that, and after `stop_logging`, lines are written at once by the caller.
void start_logging();
/// Flushes for at most `limit` and stops the thread.
void stop_logging(Nanoseconds limit);
/// Lines that had to be dropped so far.
std::uint64_t dropped_log_lines();

}  // namespace cobble::base
