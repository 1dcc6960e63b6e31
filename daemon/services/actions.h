#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/error.h"
#include "daemon/state/engine.h"
#include "layers/plan.h"

/// What a client's action on services becomes: a change with its tasks (contract 02, sections 2.3 and 2.4). Pure functions.
namespace cobble::services {

/// Gives the numbers of lanes.
using NewLane = std::function<std::int64_t()>;

/// `start`, `stop`, `restart`: the named services, of which there is one at least.
base::Result<state::NewChange> plan_start(const layers::Plan& plan, std::span<const std::string> names, const NewLane& new_lane);
base::Result<state::NewChange> plan_stop(const layers::Plan& plan, std::span<const std::string> names, const NewLane& new_lane);
base::Result<state::NewChange> plan_restart(const layers::Plan& plan, std::span<const std::string> names,
                                            const NewLane& new_lane);
/// All services with `startup: enabled`.
base::Result<state::NewChange> plan_autostart(const layers::Plan& plan, const NewLane& new_lane);

/// What a replan has to know of a service that is known to the manager.
struct RunningService {
  /// The keys in which its configuration differs from the plan's (layers::changed_keys); none: unchanged.
  std::vector<std::string> changed_keys;
  bool active = false;    ///< to be up again if the replan stops it
  bool live = false;      ///< a stop would end something: a process, or the wait for its restart
  bool launches = false;  ///< a start would launch a process
};
/// Known services that are in the plan.
using RunningServices = std::map<std::string, RunningService>;

/// Contract 02, section 3.10, and section 6: dependants that were active and are stopped come up again.
base::Result<state::NewChange> plan_replan(const layers::Plan& plan, const RunningServices& running, const NewLane& new_lane);

/// What a replan would do with one service, and why.
struct ReplanStep {
  enum class Action { start, stop, restart };
  enum class Reason {
    changed,      ///< `keys` of its configuration differ from what it was started with
    dependency,   ///< it requires `services`, which are stopped
    enabled,      ///< its startup is `enabled` and it is not running
    required_by,  ///< `services`, which are started, require it
  };
  std::string name;
  Action action = Action::start;
  Reason reason = Reason::changed;
  std::vector<std::string> keys;
  std::vector<std::string> services;
};

/// What a replan would do now, by name; services that it would leave as they are aren't listed.
base::Result<std::vector<ReplanStep>> preview_replan(const layers::Plan& plan, const RunningServices& running);
std::string_view action_word(ReplanStep::Action action);
std::string_view reason_word(ReplanStep::Reason reason);

/// The daemon's end: `live` services in the stop order of the whole plan.
state::NewChange plan_shutdown(const layers::Plan& plan, const std::set<std::string>& live, const NewLane& new_lane);

/// The service that a task is about.
std::string task_service(const state::TaskRecord& task);

}  // namespace cobble::services
