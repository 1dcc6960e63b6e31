#include "daemon/services/manager.h"

#include <algorithm>
#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/base/log.h"
#include "layers/keys.h"
#include "layers/quote.h"

namespace cobble::services {

namespace {

/// Up to so many processes, what is noted of them is saved at once; beyond it, a little later and together.
constexpr std::size_t few_marks = 64;
constexpr base::Nanoseconds save_pause = std::chrono::milliseconds(50);
constexpr base::Nanoseconds clean_up_pause = std::chrono::minutes(10);
constexpr base::Nanoseconds forget_after = std::chrono::hours(24 * 7);
constexpr std::size_t most_inactive = 100;

const layers::Workload* find_workload(const layers::Plan& plan, const layers::Service& service) {
  const auto found = plan.workloads.find(service.workload);
  return service.workload.empty() || found == plan.workloads.end() ? nullptr : &found->second;
}

bool same(const std::optional<layers::Workload>& a, const layers::Workload* b) {
  return a.has_value() == (b != nullptr) && (b == nullptr || *a == *b);
}

}  // namespace

int exit_code(ShutdownKind kind) {
  switch (kind) {
    case ShutdownKind::success:
      return 0;
    case ShutdownKind::failure:
      return 10;
    case ShutdownKind::check_failure:
      return 11;
  }
  return 0;
}

std::map<std::string, pid_t> processes_of(std::span<const ServiceInfo> services) {
  std::map<std::string, pid_t> processes;
  for (const auto& service : services)
    if (service.pid != 0) processes[service.name] = service.pid;
  return processes;
}

Manager::Manager(base::IoContext& loop, process::Reaper& reaper, state::Engine& engine, logs::Manager& logs,
                 std::function<layers::PlanPtr()> plan, Hooks hooks)
    : loop_(loop),
      reaper_(reaper),
      engine_(engine),
      logs_(logs),
      plan_(std::move(plan)),
      hooks_(std::move(hooks)),
      turns_(loop),
      process_event_(loop),
      survivors_(read_marks(hooks_.load_survivors().value_or(""))),
      save_timer_(loop),
      clean_up_timer_(loop) {
  engine_.set_handler("start", [this](state::TaskRun& run) { return run_start(run); });
  engine_.set_handler("stop", [this](state::TaskRun& run) { return run_stop(run); });
  std::erase_if(survivors_, [](const auto& entry) { return !still_lives(entry.second); });
}

Manager::~Manager() = default;

double Manager::jitter() {
  return std::uniform_real_distribution<double>(0.0, 0.1)(random_);
}

std::shared_ptr<Service> Manager::find(std::string_view name) const {
  const auto found = services_.find(name);
  return found == services_.end() ? nullptr : found->second;
}

Service& Manager::make_known(const std::string& name) {
  auto& service = services_[name];
  if (!service) {
    service = std::make_shared<Service>(name, static_cast<Surroundings&>(*this));
    if (services_.size() == 1) arm_clean_up();
  }
  return *service;
}

// --- Requests ---

base::Result<std::string> Manager::act(std::string_view action, std::span<const std::string> names) {
  auto change = plan_action(action, names);
  if (!change) return std::unexpected(change.error());
  return engine_.add_change(std::move(*change));
}

base::Result<state::NewChange> Manager::plan_action(std::string_view action, std::span<const std::string> names) {
  const layers::PlanPtr plan = plan_();
  const NewLane new_lane = [this] { return engine_.new_lane(); };
  if (action == "autostart" || action == "replan") {
    if (!names.empty()) return base::bad_request(std::string(action) + " accepts no service names");
    return action == "replan" ? replan() : plan_autostart(*plan, new_lane);
  }
  if (names.empty()) return base::bad_request("must specify services for " + std::string(action) + " action");
  if (action == "start") return plan_start(*plan, names, new_lane);
  if (action == "stop") return plan_stop(*plan, names, new_lane);
  if (action == "restart") return plan_restart(*plan, names, new_lane);
  return base::bad_request("invalid action " + layers::quote(action));
}

RunningServices Manager::running(const layers::Plan& plan) const {
  RunningServices all;
  for (const auto& [name, service] : services_) {
    const auto found = plan.services.find(name);
    if (found == plan.services.end()) continue;
    const ServiceMachine& machine = service->machine();
    RunningService& known = all[name];
    known.changed_keys = layers::changed_keys(machine.effective_config(), found->second);
    if (known.changed_keys.empty() && !same(service->effective_workload(), find_workload(plan, found->second)))
      known.changed_keys.emplace_back("workload");
    known.active = machine.current() == Current::active;
    known.live = machine.has_process() || machine.state() == State::backoff;
    known.launches = machine.would_launch();
  }
  return all;
}

base::Result<state::NewChange> Manager::replan() {
  const layers::PlanPtr plan = plan_();
  const RunningServices all = running(*plan);
  for (const auto& [name, known] : all) {
    const layers::Service& planned = plan->services.at(name);
    if (!known.changed_keys.empty()) services_.at(name)->adopt(planned, find_workload(*plan, planned));
  }
  return plan_replan(*plan, all, [this] { return engine_.new_lane(); });
}

base::Result<std::vector<ReplanStep>> Manager::preview_replan() const {
  const layers::PlanPtr plan = plan_();
  return services::preview_replan(*plan, running(*plan));
}

std::vector<ServiceInfo> Manager::list(std::span<const std::string> names) const {
  std::vector<ServiceInfo> infos;
  const layers::PlanPtr plan = plan_();
  const auto add = [&](const layers::Service& planned) {
    ServiceInfo& info = infos.emplace_back();
    info.name = planned.name;
    info.enabled = planned.enabled();
    const auto service = find(planned.name);
    if (!service) return;
    const ServiceMachine& machine = service->machine();
    info.known = true;
    info.current = machine.current();
    info.current_since = machine.current_since();
    info.pid = machine.pid();
    info.last_exit_code = machine.last_exit_code();
    info.restarts = machine.restarts();
    info.next_restart = machine.next_restart();
    info.last_error = machine.last_error();
    if (const logs::ServiceLog* log = logs_.find(planned.name)) {
      info.has_log = true;
      info.log_lines_overwritten = log->buffer().overwritten();
      info.log_entries_lost = log->lost();
    }
  };
  if (names.empty()) {
    infos.reserve(plan->services.size());
    for (const auto& [name, service] : plan->services) add(service);
    return infos;
  }
  for (const auto& name : std::set<std::string>(names.begin(), names.end()))
    if (const auto found = plan->services.find(name); found != plan->services.end()) add(found->second);
  return infos;
}

std::vector<ServiceMetrics> Manager::metrics() const {
  std::vector<ServiceMetrics> all;
  for (const auto& [name, service] : services_)
    all.push_back({name, service->machine().current() == Current::active, service->machine().start_count()});
  return all;
}

base::Result<void> Manager::signal(std::string_view signal_name, std::span<const std::string> names) {
  const int number = process::signal_number(signal_name, false);
  std::string errors;
  for (const auto& name : names) {
    const auto service = find(name);
    const bool up = service && service->machine().current() == Current::active;
    std::expected<void, std::string> sent;
    if (!up) {
      sent = std::unexpected("service is not running");
    } else if (number == 0) {
      sent = std::unexpected("invalid signal name " + layers::quote(signal_name));
    } else {
      sent = service->signal(number, signal_name);
    }
    if (!sent) errors += (errors.empty() ? "" : "; ") + ("cannot send signal to " + layers::quote(name) + ": " + sent.error());
  }
  if (!errors.empty()) return base::fail(500, errors);
  return {};
}

void Manager::check_failed(const std::string& check) {
  const Services all = services_;
  for (const auto& [name, service] : all) service->check_failed(check);
}

// --- Tasks ---

base::Task<void> Manager::turn() {
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
      [this](auto handler) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        turns_.push([shared] { std::move (*shared)(); });
      },
      boost::asio::use_awaitable);
}

base::Task<void> Manager::end_survivor_of(std::string name, base::Nanoseconds kill_delay) {
  const auto found = survivors_.find(name);
  if (found == survivors_.end()) co_return;
  const ProcessMark mark = found->second;
  base::log("Service " + layers::quote(name) + " has outlived an earlier daemon, ending its process " + std::to_string(mark.pid));
  co_await end_survivor(mark, std::min(kill_delay, layers::Service::default_kill_delay));
  survivors_.erase(name);
}

base::Task<state::TaskResult> Manager::run_start(state::TaskRun& run) {
  if (run.task().data.contains("started")) co_return std::unexpected("service already started, not retrying");
  const std::string name = task_service(run.task());
  if (survivors_.contains(name)) {
    const auto plan = plan_();
    const auto planned = plan->services.find(name);
    if (planned != plan->services.end()) co_await end_survivor_of(name, planned->second.effective_kill_delay());
  }
  if (const auto known = find(name); !known || known->machine().would_launch()) {
    // On disk before there is a process: a daemon that takes over doesn't launch another.
    run.set_data("started", "true");
    co_await engine_.durable();
    co_await turn();
  }
  if (run.aborted()) co_return std::unexpected("start aborted");
  if (ending_) co_return std::unexpected("cannot start service: daemon is stopping");
  // The plan of now, not that of the request.
  const layers::PlanPtr plan = plan_();
  const auto planned = plan->services.find(name);
  if (planned == plan->services.end()) co_return std::unexpected("cannot find service " + layers::quote(name) + " in plan");
  const auto service = make_known(name).shared_from_this();

  const auto outcome = std::make_shared<std::optional<Outcome>>();
  // The event of the abort wakes this task for its outcome, too.
  const Reply reply = service->start(planned->second, find_workload(*plan, planned->second), [outcome, &run](Outcome it) {
    *outcome = std::move(it);
    run.abort_event().notify_all();
  });
  if (reply.kind == Reply::Kind::failed) co_return std::unexpected(reply.text);
  if (reply.kind == Reply::Kind::done) {
    if (!reply.text.empty()) run.log_info(reply.text);
    co_return state::TaskResult();
  }
  while (!*outcome) {
    if (run.aborted()) service->abort_start();
    if (!*outcome && !co_await run.abort_event().wait()) break;
  }
  if (!*outcome) co_return std::unexpected("start aborted");
  if ((*outcome)->with_output) {
    std::string text = "Most recent service output:";
    for (const auto& line : logs_.service(name).tail_lines(20)) text += "\n    " + line;
    run.log_info(text);
  }
  if (!(*outcome)->error.empty()) co_return std::unexpected((*outcome)->error);
  co_return state::TaskResult();
}

base::Task<state::TaskResult> Manager::run_stop(state::TaskRun& run) {
  const std::string name = task_service(run.task());
  const auto service = find(name);
  if (!service) {
    run.log_info("Service " + layers::quote(name) + " has never been started.");
    co_return state::TaskResult();
  }
  const auto outcome = std::make_shared<std::optional<Outcome>>();
  const Reply reply = service->stop([outcome, &run](Outcome it) {
    *outcome = std::move(it);
    run.abort_event().notify_all();
  });
  if (reply.kind == Reply::Kind::done) {
    if (!reply.text.empty()) run.log_info(reply.text);
    co_return state::TaskResult();
  }
  bool said = false;
  while (!*outcome) {
    if (run.aborted() && !std::exchange(said, true))
      base::log("Cannot abort stop for service " + layers::quote(name) + ", signals already sent");
    if (!co_await run.abort_event().wait()) break;
  }
  if (*outcome && !(*outcome)->error.empty()) co_return std::unexpected((*outcome)->error);
  co_return state::TaskResult();
}

// --- What is noted for the next daemon ---

void Manager::process_changed(Service& service) {
  process_event_.notify_all();
  const std::string& name = service.machine().name();
  if (service.machine().pid() != 0) {
    if (auto mark = mark_process(service.machine().pid())) marks_[name] = std::move(*mark);
  } else {
    marks_.erase(name);
  }
  if (std::exchange(save_armed_, true)) return;
  save_timer_.start(marks_.size() <= few_marks ? base::Nanoseconds(0) : save_pause, [this] {
    save_armed_ = false;
    save_marks();
  });
}

void Manager::save_marks() {
  ProcessMarks all = survivors_;
  for (const auto& [name, mark] : marks_) all[name] = mark;
  hooks_.save_survivors(all.empty() ? std::string() : write_marks(all));
}

// --- Clean-up ---

void Manager::arm_clean_up() {
  clean_up_timer_.start(clean_up_pause, [this] {
    clean_up();
    if (!services_.empty()) arm_clean_up();
  });
}

void Manager::clean_up() {
  if (services_.size() <= most_inactive) return;
  std::vector<std::pair<WallTime, std::string>> inactive;
  for (const auto& [name, service] : services_) {
    const ServiceMachine& machine = service->machine();
    if (machine.state() == State::stopped) inactive.emplace_back(machine.current_since().value_or(WallTime()), name);
  }
  std::ranges::sort(inactive);
  std::size_t left = inactive.size();
  const WallTime oldest = base::wall_now() - forget_after;
  for (const auto& [since, name] : inactive) {
    if (since >= oldest && left <= most_inactive) break;
    services_.erase(name);
    logs_.forget(name);
    --left;
  }
}

}  // namespace cobble::services
