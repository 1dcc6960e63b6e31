#include <algorithm>

#include "daemon/base/log.h"
#include "daemon/services/actions.h"
#include "daemon/services/manager.h"

// How the manager ends everything (contract 02, section 3.12).
namespace cobble::services {

namespace {

/// How long processes may take to go after SIGKILL, at the very end.
constexpr base::Nanoseconds last_wait = std::chrono::seconds(2);

}  // namespace

bool Manager::all_ended() const {
  return std::ranges::none_of(services_, [](const auto& entry) { return entry.second->machine().has_process(); });
}

void Manager::hurry() {
  for (const auto& [name, service] : services_) service->kill_now();
}

base::Task<void> Manager::shut_down(base::Nanoseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  ending_ = true;
  const layers::PlanPtr plan = plan_();
  std::set<std::string> live;
  for (const auto& [name, service] : services_) {
    service->forget_restart();
    const State state = service->machine().state();
    const bool up = state == State::starting || state == State::running || state == State::backoff;
    if (up && plan->services.contains(name)) live.insert(name);
  }
  if (!live.empty()) {
    base::log("Stopping all running services.");
    const auto id = engine_.add_change(plan_shutdown(*plan, live, [this] { return engine_.new_lane(); }));
    if (!co_await engine_.wait_ready(id, deadline)) base::log("Cannot stop running services: timeout stopping running services");
  } else {
    base::log_debug("No services to stop.");
  }
  // Those that were being stopped already.
  while (!all_ended() && co_await process_event_.wait_until(deadline)) {
  }
  if (all_ended()) co_return;
  hurry();
  const auto end = std::chrono::steady_clock::now() + last_wait;
  while (!all_ended() && co_await process_event_.wait_until(end)) {
  }
}

}  // namespace cobble::services
