#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/base/loop.h"
#include "daemon/exec/request.h"
#include "daemon/exec/session.h"
#include "daemon/process/reaper.h"
#include "daemon/state/engine.h"
#include "layers/plan.h"

namespace cobble::exec {

/// Runs exec changes (contract 05): one change with one task each, and the sessions that their clients connect to. On the loop's
/// thread only.
class Manager {
 public:
  /// Registers the `exec` kind of tasks; before the engine starts. `plan` gives the present plan, for service contexts.
  Manager(base::IoContext& loop, state::Engine& engine, process::Reaper& reaper, std::function<layers::PlanPtr()> plan);
  ~Manager();
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  struct Started {
    std::string change_id;
    std::string task_id;
  };
  /// Judges a request in the order of contract 05, section 2.1, and lays it over the service whose context it wants.
  base::Result<Command> resolve(const Request& request) const;
  /// Records the change; clients can connect at once.
  Started start(Command command);
  /// The session of a task that isn't done; null when there is none.
  std::shared_ptr<Session> find(std::string_view task_id) const;
  /// Sends a signal to all commands.
  void signal(int number);
  /// Ends those whose client no longer has the rights that it came with.
  void check_clients();
  /// Kills all commands and waits until their tasks are done, at most `limit`.
  base::Task<void> shut_down(base::Nanoseconds limit);

 private:
  struct Sessions;
  static base::Task<void> forget_when_ready(std::shared_ptr<Sessions> sessions, state::Engine& engine, std::string change_id,
                                            std::string task_id);
  base::Task<state::TaskResult> run_task(state::TaskRun& run);

  base::IoContext& loop_;
  state::Engine& engine_;
  process::Reaper& reaper_;
  std::function<layers::PlanPtr()> plan_;
  std::shared_ptr<Sessions> sessions_;
};

}  // namespace cobble::exec
