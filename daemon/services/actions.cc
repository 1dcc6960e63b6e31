#include "daemon/services/actions.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "daemon/base/json.h"
#include "daemon/base/json_writer.h"
#include "layers/order.h"
#include "layers/quote.h"

namespace cobble::services {

namespace {

using layers::Lanes;

std::string json_names(std::span<const std::string> names) {
  base::JsonWriter json;
  json.value(names);
  return json.take();
}

std::vector<std::string> flatten(const Lanes& lanes) {
  std::vector<std::string> names;
  for (const auto& lane : lanes) names.insert(names.end(), lane.begin(), lane.end());
  return names;
}

std::string capitalised(std::string_view kind) {
  std::string word(kind);
  word[0] = static_cast<char>(word[0] - 'a' + 'A');
  return word;
}

std::string summary(std::string_view kind, std::string_view first, std::size_t count) {
  std::string text = capitalised(kind) + " service " + layers::quote(first);
  if (count > 1) text += " and " + std::to_string(count - 1) + " more";
  return text;
}

/// Adds one task for each service, each waiting for the one before it in its lane, the first of a lane for `first_wait_for`.
void add_tasks(state::NewChange& change, std::string_view kind, const Lanes& lanes, std::span<const std::size_t> first_wait_for,
               bool all_wait, const NewLane& new_lane) {
  for (const auto& lane : lanes) {
    const std::int64_t number = new_lane();
    bool first = true;
    for (const auto& name : lane) {
      state::NewTask task{.kind = std::string(kind),
                          .summary = capitalised(kind) + " service " + layers::quote(name),
                          .data = {},
                          .waits_for = {},
                          .lane = number};
      base::JsonWriter request;
      request.begin_object();
      request.field("Name", name);
      request.end_object();
      task.data["service-request"] = request.take();
      if (first || all_wait) task.waits_for.assign(first_wait_for.begin(), first_wait_for.end());
      if (!first) task.waits_for.push_back(change.tasks.size() - 1);
      change.tasks.push_back(std::move(task));
      first = false;
    }
  }
}

/// Where every start waits for every stop, the number of waits is their product. Beyond this only the first of each lane waits
/// itself, which comes to the same.
constexpr std::size_t most_waits = 10'000;

void add_stops_and_starts(state::NewChange& change, const Lanes& stops, const Lanes& starts, const NewLane& new_lane) {
  add_tasks(change, "stop", stops, {}, false, new_lane);
  std::vector<std::size_t> all_stops;
  for (std::size_t i = 0; i < change.tasks.size(); ++i) all_stops.push_back(i);
  const std::size_t start_count = flatten(starts).size();
  add_tasks(change, "start", starts, all_stops, all_stops.size() * start_count <= most_waits, new_lane);
}

state::NewChange named_change(std::string kind, std::string change_summary, std::span<const std::string> names) {
  state::NewChange change;
  change.kind = std::move(kind);
  change.summary = std::move(change_summary);
  change.data["service-names"] = json_names(names);
  return change;
}

std::unexpected<base::Error> refused(std::string_view action, const std::string& why) {
  return base::bad_request("cannot " + std::string(action) + " services: " + why);
}

/// What a replan stops and starts, in order.
struct ReplanLanes {
  Lanes stops;
  Lanes starts;
};

base::Result<ReplanLanes> replan_lanes(const layers::Plan& plan, const RunningServices& running) {
  std::set<std::string> wanted;
  for (const auto& [name, service] : running)
    if (!service.changed_keys.empty()) wanted.insert(name);
  const std::vector<std::string> changed(wanted.begin(), wanted.end());
  auto stops = layers::stop_lanes(plan, changed);
  if (!stops) return refused("replan", stops.error());
  for (const auto& [name, service] : plan.services)
    if (service.enabled()) wanted.insert(name);
  for (const auto& name : flatten(*stops))
    if (const auto found = running.find(name); found != running.end() && found->second.active) wanted.insert(name);
  const std::vector<std::string> wanted_names(wanted.begin(), wanted.end());
  auto starts = layers::start_lanes(plan, wanted_names);
  if (!starts) return refused("replan", starts.error());
  return ReplanLanes{std::move(*stops), std::move(*starts)};
}

std::set<std::string> set_of(const Lanes& lanes) {
  const auto names = flatten(lanes);
  return {names.begin(), names.end()};
}

/// Those of `names` that are in `set`.
std::vector<std::string> those_in(const std::set<std::string>& set, const std::vector<std::string>& names) {
  std::vector<std::string> found;
  for (const auto& name : names)
    if (set.contains(name)) found.push_back(name);
  return found;
}

bool requires_directly(const layers::Plan& plan, const std::string& dependant, const std::string& name) {
  const auto& all = plan.services.at(dependant).requires_services;
  return std::ranges::find(all, name) != all.end();
}

/// Says why a replan does something with a service.
void explain(ReplanStep& step, const layers::Plan& plan, const RunningService& running, const std::set<std::string>& stops,
             const std::set<std::string>& starts) {
  const layers::Service& planned = plan.services.at(step.name);
  if (!running.changed_keys.empty()) {
    step.reason = ReplanStep::Reason::changed;
    step.keys = running.changed_keys;
  } else if (stops.contains(step.name)) {
    step.reason = ReplanStep::Reason::dependency;
    step.services = those_in(stops, planned.requires_services);
  } else if (planned.enabled()) {
    step.reason = ReplanStep::Reason::enabled;
  } else {
    step.reason = ReplanStep::Reason::required_by;
    for (const auto& name : starts)
      if (requires_directly(plan, name, step.name)) step.services.push_back(name);
  }
}

}  // namespace

base::Result<state::NewChange> plan_start(const layers::Plan& plan, std::span<const std::string> names, const NewLane& new_lane) {
  const auto lanes = layers::start_lanes(plan, names);
  if (!lanes) return refused("start", lanes.error());
  auto change = named_change("start", summary("start", names.front(), flatten(*lanes).size()), names);
  add_tasks(change, "start", *lanes, {}, false, new_lane);
  return change;
}

base::Result<state::NewChange> plan_stop(const layers::Plan& plan, std::span<const std::string> names, const NewLane& new_lane) {
  const auto lanes = layers::stop_lanes(plan, names);
  if (!lanes) return refused("stop", lanes.error());
  auto change = named_change("stop", summary("stop", names.front(), flatten(*lanes).size()), names);
  add_tasks(change, "stop", *lanes, {}, false, new_lane);
  return change;
}

base::Result<state::NewChange> plan_restart(const layers::Plan& plan, std::span<const std::string> names,
                                            const NewLane& new_lane) {
  const auto stops = layers::stop_lanes_of_only(plan, names);
  if (!stops) return refused("restart", stops.error());
  const auto starts = layers::start_lanes(plan, names);
  if (!starts) return refused("restart", starts.error());
  auto change = named_change("restart", summary("restart", names.front(), flatten(*starts).size()), names);
  add_stops_and_starts(change, *stops, *starts, new_lane);
  return change;
}

base::Result<state::NewChange> plan_autostart(const layers::Plan& plan, const NewLane& new_lane) {
  std::vector<std::string> enabled;
  for (const auto& [name, service] : plan.services)
    if (service.enabled()) enabled.push_back(name);
  if (enabled.empty()) return base::fail(400, "no default services", "no-default-services");
  const auto lanes = layers::start_lanes(plan, enabled);
  if (!lanes) return refused("autostart", lanes.error());
  const auto names = flatten(*lanes);
  auto change = named_change("autostart", summary("autostart", names.front(), names.size()), names);
  add_tasks(change, "start", *lanes, {}, false, new_lane);
  return change;
}

base::Result<state::NewChange> plan_replan(const layers::Plan& plan, const RunningServices& running, const NewLane& new_lane) {
  const auto lanes = replan_lanes(plan, running);
  if (!lanes) return std::unexpected(lanes.error());
  std::set<std::string> affected = set_of(lanes->stops);
  affected.merge(set_of(lanes->starts));
  if (affected.empty()) {
    state::NewChange nothing;
    nothing.kind = "replan";
    nothing.summary = "Replan - no services";
    nothing.status = state::Status::done;
    return nothing;
  }
  const std::vector<std::string> names(affected.begin(), affected.end());
  auto change = named_change("replan", summary("replan", names.front(), names.size()), names);
  add_stops_and_starts(change, lanes->stops, lanes->starts, new_lane);
  return change;
}

base::Result<std::vector<ReplanStep>> preview_replan(const layers::Plan& plan, const RunningServices& running) {
  const auto lanes = replan_lanes(plan, running);
  if (!lanes) return std::unexpected(lanes.error());
  const auto stops = set_of(lanes->stops);
  const auto starts = set_of(lanes->starts);
  std::set<std::string> affected = stops;
  affected.insert(starts.begin(), starts.end());
  RunningService never_started;
  never_started.launches = true;
  std::vector<ReplanStep> steps;
  for (const auto& name : affected) {
    const auto found = running.find(name);
    const RunningService& service = found == running.end() ? never_started : found->second;
    const bool stopped = stops.contains(name) && service.live;
    const bool started = starts.contains(name) && (stopped || service.launches);
    if (!stopped && !started) continue;
    ReplanStep& step = steps.emplace_back();
    step.name = name;
    step.action = !stopped ? ReplanStep::Action::start : !started ? ReplanStep::Action::stop : ReplanStep::Action::restart;
    explain(step, plan, service, stops, starts);
  }
  return steps;
}

std::string_view action_word(ReplanStep::Action action) {
  switch (action) {
    case ReplanStep::Action::start:
      return "start";
    case ReplanStep::Action::stop:
      return "stop";
    case ReplanStep::Action::restart:
      return "restart";
  }
  return "";
}

std::string_view reason_word(ReplanStep::Reason reason) {
  switch (reason) {
    case ReplanStep::Reason::changed:
      return "changed";
    case ReplanStep::Reason::dependency:
      return "dependency";
    case ReplanStep::Reason::enabled:
      return "enabled";
    case ReplanStep::Reason::required_by:
      return "required-by";
  }
  return "";
}

state::NewChange plan_shutdown(const layers::Plan& plan, const std::set<std::string>& live, const NewLane& new_lane) {
  std::vector<std::string> all;
  for (const auto& [name, service] : plan.services) all.push_back(name);
  Lanes lanes = layers::stop_lanes(plan, all).value_or(Lanes());
  for (auto& lane : lanes) std::erase_if(lane, [&](const std::string& name) { return !live.contains(name); });
  std::erase_if(lanes, [](const auto& lane) { return lane.empty(); });
  state::NewChange change;
  change.kind = "stop";
  change.summary = "Stop all running services";
  add_tasks(change, "stop", lanes, {}, false, new_lane);
  return change;
}

std::string task_service(const state::TaskRecord& task) {
  std::string name;
  const auto found = task.data.find("service-request");
  if (found == task.data.end()) return name;
  const auto json = base::parse_json(found->second);
  if (json && json->is_object()) base::JsonFields(*json).read("name", name);
  return name;
}

}  // namespace cobble::services
