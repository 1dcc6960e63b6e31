#pragma once

#include <sys/types.h>

#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "daemon/base/loop.h"
#include "daemon/process/reaper.h"
#include "daemon/process/spawn.h"

namespace cobble::process {

/// One process with its group, for those who start a command and wait for it (exec, exec checks). Its end while the process lives
/// leaves the process to the reaper; who wants it dead kills the group first.
class Child {
 public:
  /// Spawns and watches. The error is spawn's.
  static std::expected<std::unique_ptr<Child>, std::string> start(base::IoContext& loop, Reaper& reaper,
                                                                  const SpawnRequest& request);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  /// How it ended; none while it lives.
  const std::optional<ExitStatus>& status() const { return status_; }
  /// Waits for its end, at most until `deadline`; none when it still lives then, or the wait was cancelled.
  base::Task<std::optional<ExitStatus>> wait_until(base::SteadyTime deadline);
  base::Task<std::optional<ExitStatus>> wait() { return wait_until(base::SteadyTime::max()); }
  /// Signals the process alone; false when it has ended.
  bool signal(int number) const { return !status_ && signal_process(pid_, number); }
  /// Signals its whole group, also after its own end as long as this object lives.
  bool signal_all(int number) const { return signal_group(pid_, number); }

 private:
  Child(base::IoContext& loop, Reaper& reaper, pid_t pid);

  Reaper& reaper_;
  pid_t pid_;
  std::optional<ExitStatus> status_;
  base::Event ended_;
};

}  // namespace cobble::process
