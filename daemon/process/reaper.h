#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string_view>

#include "daemon/base/loop.h"

namespace cobble::process {

/// How a process ended.
struct ExitStatus {
  int code = 0;    ///< exit status, or 128 + signal
  int signal = 0;  ///< 0: it exited
};

/// Takes note of every child that ends (signalfd and waitid). A watched leader stays unreaped, so that its id, and its group's,
/// can't be given to a stranger, until `release`. Children nobody watches (orphans: we are PID 1 or a subreaper) are reaped at
/// once.
class Reaper {
 public:
  /// Blocks SIGCHLD and becomes a child subreaper. One in a process.
  explicit Reaper(base::IoContext& loop);
  ~Reaper();
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;

  /// Calls `on_exit` once on the loop when `pid` (just spawned, not yet returned to the loop) has ended.
  void watch(pid_t pid, std::function<void(ExitStatus)> on_exit);
  /// Reaps a watched process that has ended, after its group has been dealt with; a process still alive is reaped when it ends.
  /// Its callback is dropped.
  void release(pid_t pid);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Sends `signal` to the group led by a watched process; false with errno set when nobody got it.
bool signal_group(pid_t leader, int signal);
/// Sends `signal` to the process alone.
bool signal_process(pid_t pid, int signal);
/// Whether the group of a leader that was just released still has members. As long as it has, the kernel gives its number to
/// nobody else.
bool group_alive(pid_t leader);
/// The number of a name such as `SIGHUP` (contract 02, section 2.7); 0 when unknown. `lenient` also takes `HUP`, `hup` and
/// numbers.
int signal_number(std::string_view name, bool lenient);

}  // namespace cobble::process
