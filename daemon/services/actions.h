#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>
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
/// `changed`: services whose configuration differs from what they run with. `active`: services that should be up again if the
/// replan stops them (contract 02, section 3.10, and section 6).
base::Result<state::NewChange> plan_replan(const layers::Plan& plan, const std::set<std::string>& changed,
                                           const std::set<std::string>& active, const NewLane& new_lane);
/// The daemon's end: `live` services in the stop order of the whole plan.
state::NewChange plan_shutdown(const layers::Plan& plan, const std::set<std::string>& live, const NewLane& new_lane);

/// The service that a task is about.
std::string task_service(const state::TaskRecord& task);

}  // namespace cobble::services
