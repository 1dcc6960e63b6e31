#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/base/loop.h"

/// systemd's notification protocol (contract 09, section 2.8).
namespace cobble::lifecycle {

/// Sends one datagram such as `READY=1` to $NOTIFY_SOCKET; failures, and a missing or odd variable, are silent.
void notify(std::string_view text);

/// Tells systemd how long stopping may take from now on, so that it doesn't lose patience before.
void notify_stop_time(base::Nanoseconds time);

/// Half of $WATCHDOG_USEC; none when it isn't set. The error is the text after `cannot run daemon: `.
std::expected<std::optional<base::Nanoseconds>, std::string> watchdog_interval();

/// Sends `WATCHDOG=1` at an interval from its construction until its end.
class Watchdog {
 public:
  Watchdog(base::IoContext& loop, base::Nanoseconds interval);

 private:
  void beat();

  base::Timer timer_;
  base::Nanoseconds interval_;
};

}  // namespace cobble::lifecycle
