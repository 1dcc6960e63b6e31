#pragma once

#include <chrono>
#include <string_view>

#include "daemon/base/loop.h"
#include "daemon/logs/manager.h"

namespace cobble::logs {

/// A manager on a loop of its own, with output of services put in at given times.
struct LogsFixture {
  base::IoContext loop;
  Manager manager{loop};

  /// Output of a service, `at` milliseconds after 2026-11-23T07:36:04Z.
  void say(std::string_view service, std::string_view text, int at = 0) {
    constexpr std::int64_t start = 1'795'419'364;
    manager.service(service).append(text, base::WallTime(std::chrono::seconds(start) + std::chrono::milliseconds(at)));
  }
};

}  // namespace cobble::logs
