#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace cobble::process {

/// What a process has used and holds, from /proc.
struct Usage {
  double cpu_seconds = 0;  ///< user and system time, with that of children it has waited for
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_fds = 0;
};

/// None when the process is gone, or /proc isn't there or may not be read. Reads files: call it from the pool for many.
std::optional<Usage> usage_of(pid_t pid);

/// What several processes use, under the names they are given by; those that are gone are left out. To be called from the pool.
std::map<std::string, Usage> usages_of(const std::map<std::string, pid_t>& processes);

/// When this process started, in seconds since the epoch; none without /proc.
std::optional<double> own_start_time();

}  // namespace cobble::process
