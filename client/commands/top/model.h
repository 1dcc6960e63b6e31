#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/api/client.h"

/// What `pebble top` shows, as plain values.
namespace cobble::client::top {

/// One service with what was worked out of two looks at it.
struct ServiceRow {
  ServiceInfo info;
  std::optional<double> cpu_percent;  ///< of one core since the look before
};

/// Everything that the server told last.
struct Model {
  std::vector<ServiceRow> services;
  std::vector<CheckInfo> checks;
  std::vector<LogLine> log;  ///< the oldest first
  std::string trouble;       ///< why there is nothing newer; empty: all is well
  std::int64_t now = 0;      ///< seconds since 1970
};

/// How long an active service has been up at `now`.
std::optional<Nanoseconds> uptime(const ServiceInfo& service, std::int64_t now);

/// Works out how busy processes are from the CPU time that they had used at two looks.
class CpuMeter {
 public:
  /// Percent of one core since the last look at the same process; none at the first one. `at`: of a clock that never goes back.
  std::optional<double> look(const ServiceInfo& service, Nanoseconds at);

 private:
  struct Sample {
    std::int64_t pid = 0;
    std::int64_t cpu_ms = 0;
    Nanoseconds at{0};
  };
  std::map<std::string, Sample> last_;
};

}  // namespace cobble::client::top
