#include "daemon/checks/manager.h"

#include <algorithm>
#include <utility>

#include "daemon/base/json_writer.h"
#include "daemon/base/log.h"
#include "daemon/checks/entry.h"
#include "layers/duration.h"
#include "layers/quote.h"

namespace cobble::checks {

namespace {

constexpr std::string_view perform_kind = "perform-check";
constexpr std::string_view recover_kind = "recover-check";

/// The task's data as the reference keeps it in the state file.
std::string check_details(const std::string& name, const CheckCounter& counter, bool proceed) {
  base::JsonWriter json;
  json.begin_object();
  json.field("name", name);
  json.field("failures", counter.failures());
  json.field("successes", counter.successes());
  if (proceed) json.field("proceed", true);
  json.end_object();
  return json.take();
}

}  // namespace

std::string_view status_text(CheckStatus status) {
  switch (status) {
    case CheckStatus::up:
      return "up";
    case CheckStatus::down:
      return "down";
    case CheckStatus::inactive:
      break;
  }
  return "inactive";
}

Manager::Manager(base::IoContext& loop, state::Engine& engine, process::Reaper& reaper, Hooks hooks)
    : loop_(loop),
      engine_(engine),
      hooks_(std::move(hooks)),
      prober_(loop, reaper),
      shutting_down_event_(loop),
      driver_left_(loop) {
  engine_.set_handler(std::string(perform_kind), [this](state::TaskRun& task) { return drive(task, false); });
  engine_.set_handler(std::string(recover_kind), [this](state::TaskRun& task) { return drive(task, true); });
}

Manager::~Manager() = default;

// --- Starting and stopping ---------------------------------------------------------------------------------------------

void Manager::add_change(Entry& entry, bool recovering) {
  const std::string_view kind = recovering ? recover_kind : perform_kind;
  const std::string& name = entry.config.check.name;
  const std::string summary =
      std::string(recovering ? "Recover " : "Perform ").append(entry.config.type()) + " check " + layers::quote(name);
  state::NewChange change;
  change.kind = kind;
  change.summary = summary;
  change.data["check-no-prune"] = "true";
  change.notice_data["check-name"] = name;
  state::NewTask task;
  task.kind = kind;
  task.summary = summary;
  task.data["check-details"] = check_details(name, entry.counter, false);
  change.tasks.push_back(std::move(task));
  entry.change_id = engine_.add_change(std::move(change));
  by_change_[entry.change_id] = entry.shared_from_this();
}

void Manager::abort_change(const std::string& change_id) {
  by_change_.erase(change_id);
  // A change that somebody aborted over the API has ended already.
  static_cast<void>(engine_.abort_change(change_id));
}

void Manager::activate(Entry& entry) {
  entry.active = true;
  entry.stalled = false;
  entry.counter.reset();
  entry.prev_change_id.clear();
  entry.last_error.clear();
  add_change(entry, false);
}

void Manager::deactivate(Entry& entry) {
  entry.active = false;
  abort_change(std::exchange(entry.change_id, {}));
  entry.fail_refreshes("check " + layers::quote(entry.config.check.name) + " was stopped");
}

base::Result<std::vector<Manager::EntryPtr>> Manager::find_all(const std::vector<std::string>& names,
                                                               std::string_view action) const {
  std::vector<std::string> sorted = names;
  std::sort(sorted.begin(), sorted.end());
  std::string unknown;
  bool all_known = true;
  std::vector<EntryPtr> found;
  for (const std::string& name : sorted) {
    const auto entry = entries_.find(name);
    if (entry != entries_.end()) {
      if (found.empty() || found.back() != entry->second) found.push_back(entry->second);
      continue;
    }
    if (!all_known) unknown += ", ";
    unknown += name;
    all_known = false;
  }
  if (all_known) return found;
  return base::bad_request("cannot " + std::string(action) + " checks: cannot find checks in plan: " + unknown);
}

base::Result<std::vector<std::string>> Manager::start(const std::vector<std::string>& names) {
  const auto found = find_all(names, "start");
  if (!found) return std::unexpected(found.error());
  std::vector<std::string> changed;
  for (const EntryPtr& entry : *found) {
    if (entry->active || shutting_down_) continue;
    activate(*entry);
    changed.push_back(entry->config.check.name);
  }
  return changed;
}

base::Result<std::vector<std::string>> Manager::stop(const std::vector<std::string>& names) {
  const auto found = find_all(names, "stop");
  if (!found) return std::unexpected(found.error());
  std::vector<std::string> changed;
  for (const EntryPtr& entry : *found) {
    if (!entry->active) continue;
    deactivate(*entry);
    changed.push_back(entry->config.check.name);
  }
  return changed;
}

void Manager::replan() {
  if (shutting_down_) return;
  for (const auto& [name, entry] : entries_)
    if (!entry->active && entry->config.check.enabled()) activate(*entry);
}

std::vector<std::string> Manager::preview_replan() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_)
    if (!entry->active && entry->config.check.enabled()) names.push_back(name);
  return names;
}

void Manager::plan_changed(const layers::Plan& plan) {
  if (shutting_down_) return;
  std::erase_if(entries_, [&](const auto& item) {
    if (plan.checks.contains(item.first)) return false;
    if (item.second->active) deactivate(*item.second);
    return true;
  });
  for (const auto& [name, check] : plan.checks) {
    auto& entry = entries_[name];
    CheckConfig config = resolve_config(plan, check);
    if (entry) {
      fit(entry, std::move(config));
    } else {
      entry = std::make_shared<Entry>(std::move(config));
      if (entry->config.check.enabled()) activate(*entry);
    }
  }
}

/// One row of the table in contract 06, section 3.8.
void Manager::fit(const EntryPtr& entry, CheckConfig config) {
  const bool changed = entry->config != config;
  if (!entry->active) {
    entry->reconfigure(std::move(config));
    if (entry->config.check.enabled()) return activate(*entry);
    entry->counter.reset();
    entry->prev_change_id.clear();
    return;
  }
  if (!changed && !entry->stalled) return;
  const bool was_enabled = entry->config.check.enabled();
  if (changed) entry->successes = entry->failures = 0;
  if (was_enabled && !config.check.enabled()) {
    deactivate(*entry);
    entry->reconfigure(std::move(config));
    entry->counter.reset();
    entry->prev_change_id.clear();
    return;
  }
  abort_change(entry->change_id);
  entry->reconfigure(std::move(config));
  activate(*entry);
}

base::Task<void> Manager::shut_down(base::Nanoseconds limit) {
  const base::SteadyTime deadline = std::chrono::steady_clock::now() + limit;
  shutting_down_ = true;
  co_await prober_.end_commands(deadline);
  shutting_down_event_.notify_all();
  for (const auto& [name, entry] : entries_) {
    entry->fail_refreshes("the daemon is exiting");
    entry->wake_driver();
  }
  while (!by_change_.empty() && std::chrono::steady_clock::now() < deadline) co_await driver_left_.wait_until(deadline);
}

// --- Driving one check --------------------------------------------------------------------------------------------------

bool Manager::drives(const Entry& entry, state::TaskRun& task) const {
  return !shutting_down_ && !task.aborted() && entry.change_id == task.change().id;
}

base::Task<state::TaskResult> Manager::drive(state::TaskRun& task, bool recovering) {
  const std::string change_id = task.change().id;
  const auto found = by_change_.find(change_id);
  if (found == by_change_.end()) co_return state::TaskResult();  // of an earlier daemon
  const EntryPtr entry = found->second;
  const DriverSeat seat(entry->driver, task.abort_event());
  const base::Nanoseconds period = entry->config.check.effective_period();
  if (base::log_debug_enabled())
    base::log_debug(std::string(recovering ? "Recovering" : "Performing") + " check " + layers::quote(entry->config.check.name) +
                    " with period " + layers::format_duration(period));

  Ticker ticker(period, std::chrono::steady_clock::now());
  while (true) {
    const Wake wake = co_await next_wake(task, *entry, ticker);
    std::shared_ptr<Refresh> refresh;
    if (wake == Wake::refresh) {
      refresh = entry->take_refresh();
      ticker.restart(std::chrono::steady_clock::now());
    } else if (wake == Wake::tick) {
      ticker.serve(std::chrono::steady_clock::now());
    }
    std::optional<ProbeResult> result;
    if (wake != Wake::ended) result = co_await run_watched(task, *entry);
    if (!result) {
      left(*entry, change_id, std::move(refresh));
      co_return state::TaskResult();
    }
    const auto end = settle(task, *entry, *result);
    if (refresh) refresh->finish(*result ? std::string() : result->error().text());
    if (end) {
      by_change_.erase(change_id);
      driver_left_.notify_all();
      co_return *end;
    }
  }
}

base::Task<Manager::Wake> Manager::next_wake(state::TaskRun& task, Entry& entry, const Ticker& ticker) {
  while (true) {
    if (!drives(entry, task)) co_return Wake::ended;
    if (!entry.refreshes.empty()) co_return Wake::refresh;
    if (ticker.due(std::chrono::steady_clock::now())) co_return Wake::tick;
    co_await task.abort_event().wait_until(ticker.next());
  }
}

/// Runs the check beside the driver, which goes on listening; none when the check was stopped meanwhile.
base::Task<std::optional<ProbeResult>> Manager::run_watched(state::TaskRun& task, Entry& entry) {
  auto run = std::make_shared<Run>(entry.config, &task.abort_event());
  const RunGuard guard(run, base::spawn_cancellable(loop_, "check " + entry.config.check.name, run_into(run)));
  const base::WallTime began = base::wall_now();
  const auto began_steady = std::chrono::steady_clock::now();
  while (!run->result) {
    if (!drives(entry, task)) co_return std::nullopt;
    co_await task.abort_event().wait();
  }
  if (!drives(entry, task)) co_return std::nullopt;
  entry.last_run = began;
  entry.last_duration = std::chrono::steady_clock::now() - began_steady;
  co_return std::move(run->result);
}

base::Task<void> Manager::run_into(std::shared_ptr<Run> run) {
  auto result = co_await prober_.run(run->config);
  run->result = std::move(result);
  if (run->wake) run->wake->notify_all();
}

/// The driver of `change_id` ends because it was told to; its refresh is handed to whoever drives the check now.
void Manager::left(Entry& entry, const std::string& change_id, std::shared_ptr<Refresh> refresh) {
  by_change_.erase(change_id);
  driver_left_.notify_all();
  if (refresh) entry.refreshes.push_front(std::move(refresh));
  const std::string name = layers::quote(entry.config.check.name);
  if (shutting_down_) {
    entry.fail_refreshes("the daemon is exiting");
  } else if (!entry.active) {
    entry.fail_refreshes("check " + name + " was stopped");
  } else if (entry.change_id == change_id) {
    entry.stalled = true;
    entry.fail_refreshes("check " + name + " does not run: its change was aborted");
  } else {
    entry.wake_driver();
  }
}

std::optional<state::TaskResult> Manager::settle(state::TaskRun& task, Entry& entry, const ProbeResult& result) {
  return result ? settle_success(task, entry) : settle_failure(task, entry, result.error());
}

std::optional<state::TaskResult> Manager::settle_success(state::TaskRun& task, Entry& entry) {
  const std::int64_t failures = entry.counter.failures();
  ++entry.successes;
  entry.last_error.clear();
  if (entry.counter.succeed() == CheckCounter::Transition::recovered) {
    base::log("Check " + layers::quote(entry.config.check.name) + " recovered after " + std::to_string(failures) +
              (failures == 1 ? " failure" : " failures"));
    entry.prev_change_id = entry.change_id;
    task.set_data("check-details", check_details(entry.config.check.name, entry.counter, true));
    add_change(entry, false);
    return state::TaskResult();
  }
  if (failures > 0) {
    task.log_info("succeeded after " + std::to_string(failures) + (failures == 1 ? " failure" : " failures"));
    task.set_data("check-details", check_details(entry.config.check.name, entry.counter, false));
  }
  return std::nullopt;
}

std::optional<state::TaskResult> Manager::settle_failure(state::TaskRun& task, Entry& entry, const ProbeError& error) {
  const std::string& name = entry.config.check.name;
  const auto transition = entry.counter.fail();
  const bool went_down = transition == CheckCounter::Transition::went_down;
  ++entry.failures;
  entry.last_error = error.text();
  const std::string threshold = std::to_string(entry.counter.threshold());
  base::log("Check " + layers::quote(name) + " failure " + std::to_string(entry.counter.failures()) + "/" + threshold + ": " +
            error.message);
  task.set_data("check-details", check_details(name, entry.counter, went_down));
  if (!went_down) {
    task.log_error(error.text());
    return std::nullopt;
  }
  base::log("Check " + layers::quote(name) + " threshold " + threshold + " hit, triggering action and recovering");
  if (hooks_.on_failure) hooks_.on_failure(name);
  entry.prev_change_id = entry.change_id;
  add_change(entry, true);
  return state::TaskResult(std::unexpected(error.text()));
}

// --- Runs that are asked for --------------------------------------------------------------------------------------------

base::Task<base::Result<RefreshAnswer>> Manager::refresh(std::string name) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) co_return base::not_found("cannot find check with name " + layers::quote(name));
  const EntryPtr entry = found->second;
  if (!entry->active) co_return co_await refresh_inactive(entry);
  if (entry->stalled || shutting_down_) {
    const std::string why = shutting_down_ ? std::string("the daemon is exiting")
                                           : "check " + layers::quote(name) + " does not run: its change was aborted";
    co_return RefreshAnswer{entry->info(), why};
  }
  auto refresh = std::make_shared<Refresh>(loop_);
  entry->refreshes.push_back(refresh);
  entry->wake_driver();
  while (!refresh->error) {
    if (!co_await refresh->done.wait()) break;
  }
  co_return RefreshAnswer{entry->info(), refresh->error.value_or("the refresh was given up")};
}

base::Task<base::Result<RefreshAnswer>> Manager::refresh_inactive(EntryPtr entry) {
  auto run = std::make_shared<Run>(entry->config, &shutting_down_event_);
  const RunGuard guard(run, base::spawn_cancellable(loop_, "check " + entry->config.check.name, run_into(run)));
  while (!run->result && !shutting_down_) co_await shutting_down_event_.wait();
  if (!run->result) co_return RefreshAnswer{entry->info(), "the daemon is exiting"};
  co_return RefreshAnswer{entry->info(), *run->result ? std::string() : run->result->error().text()};
}

// --- What is told ---------------------------------------------------------------------------------------------------------

std::vector<CheckInfo> Manager::infos() const {
  std::vector<CheckInfo> out;
  out.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) out.push_back(entry->info());
  return out;
}

std::vector<CheckMetrics> Manager::metrics() const {
  std::vector<CheckMetrics> out;
  out.reserve(entries_.size());
  for (const auto& [name, entry] : entries_)
    out.push_back({name, entry->status(), entry->successes, entry->failures, entry->last_duration, entry->last_run.has_value()});
  return out;
}

bool Manager::healthy(std::string_view level, const std::vector<std::string>& names) const {
  return std::none_of(entries_.begin(), entries_.end(), [&](const auto& item) {
    const Entry& entry = *item.second;
    const std::string& its = entry.config.check.level;
    if (entry.status() != CheckStatus::down) return false;
    if (!level.empty() && its != "alive" && (level != "ready" || its != "ready")) return false;
    return names.empty() || std::find(names.begin(), names.end(), item.first) != names.end();
  });
}

}  // namespace cobble::checks
