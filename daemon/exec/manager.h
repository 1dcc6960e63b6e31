#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/base/loop.h"
#include "daemon/exec/request.h"
#include "daemon/exec/session.h"
#include "daemon/process/reaper.h"
#include "daemon/state/engine.h"

namespace cobble::exec {

/// Runs exec changes (contract 05): one change with one task each, and the sessions that their clients connect to. On the loop's
/// thread only.
class Manager {
 public:
  /// Registers the `exec` kind of tasks; before the engine starts.
  Manager(base::IoContext& loop, process::Reaper& reaper, state::Engine& engine);
  ~Manager();
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  struct Started {
    std::string change_id;
    std::string task_id;
  };
  /// Records the change; clients can connect at once.
  Started start(Command command);
  /// The session of a task that isn't done; null when there is none.
  std::shared_ptr<Session> find(std::string_view task_id) const;
  /// Kills all commands and waits until their tasks are done, at most `limit`.
  base::Task<void> stop(base::Nanoseconds limit);

 private:
  struct Sessions;
  static base::Task<void> forget_when_ready(std::shared_ptr<Sessions> sessions, state::Engine& engine, std::string change_id,
                                            std::string task_id);
  base::Task<state::TaskResult> run_task(state::TaskRun& run);

  base::IoContext& loop_;
  process::Reaper& reaper_;
  state::Engine& engine_;
  std::shared_ptr<Sessions> sessions_;
};

}  // namespace cobble::exec
