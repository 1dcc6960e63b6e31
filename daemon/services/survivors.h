#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/base/loop.h"

/// Services that outlive a killed daemon: what is noted of each process, so that the next daemon ends it before it starts the
/// service again.
namespace cobble::services {

/// What tells one process from any other, also after its id has been given away.
struct ProcessMark {
  pid_t pid = 0;
  std::uint64_t start_time = 0;     ///< clock ticks since boot
  std::uint64_t pid_namespace = 0;  ///< inode
  std::string boot_id;

  bool operator==(const ProcessMark&) const = default;
};

/// The mark of a living process; none without /proc.
std::optional<ProcessMark> mark_process(pid_t pid);
/// Whether the very process that was marked lives on, here and now.
bool still_lives(const ProcessMark& mark);

using ProcessMarks = std::map<std::string, ProcessMark, std::less<>>;
/// JSON text of marks by service, and back; what can't be read is left out.
std::string write_marks(const ProcessMarks& marks);
ProcessMarks read_marks(std::string_view json);

/// Ends the group of a marked process: SIGTERM, after `kill_delay` SIGKILL. Returns when it is gone, or after some seconds more.
base::Task<void> end_survivor(ProcessMark mark, base::Nanoseconds kill_delay);

}  // namespace cobble::services
