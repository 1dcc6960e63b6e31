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

/// One process with its group, for those who start something and wait for it (exec, checks). Until its destruction the leader
/// stays unreaped, so that signals never reach a stranger. On the loop's thread only.
class Child {
 public:
  /// The error is that of `spawn`.
  static std::expected<std::unique_ptr<Child>, std::string> start(base::IoContext& loop, Reaper& reaper,
                                                                  const SpawnRequest& request);
  /// Kills the group when the leader is still alive; what else is left of the group lives on.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  /// None while it runs.
  std::optional<ExitStatus> status() const { return state_->status; }
  /// Waits for the end of the leader; none when the wait is cancelled or the child destroyed meanwhile.
  base::Task<std::optional<ExitStatus>> wait() { return wait_until(base::SteadyTime::max()); }
  /// The same; none too when the deadline passes.
  base::Task<std::optional<ExitStatus>> wait_until(base::SteadyTime deadline);
  /// Signals the leader alone; false with errno when it can't (`no such process` once it has ended).
  bool signal(int number) const;
  /// Signals the whole group, also when the leader has ended already.
  bool signal_all(int number) const { return signal_group(pid_, number); }

 private:
  struct State {
    explicit State(base::IoContext& loop) : ended(loop) {}
    base::Event ended;
    std::optional<ExitStatus> status;
  };
  Child(base::IoContext& loop, Reaper& reaper, pid_t pid);
  static base::Task<std::optional<ExitStatus>> wait_for(std::shared_ptr<State> state, base::SteadyTime deadline);

  Reaper& reaper_;
  pid_t pid_;
  std::shared_ptr<State> state_;
};

}  // namespace cobble::process
