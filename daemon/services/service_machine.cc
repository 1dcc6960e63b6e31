#include "daemon/services/service_machine.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <utility>

#include "layers/duration.h"
#include "layers/quote.h"

namespace cobble::services {

namespace {

/// Longer waits are cut to this, so that no point in time overflows.
constexpr Nanoseconds longest_wait = std::chrono::hours(24 * 365 * 10);

Current current_of(State state) {
  switch (state) {
    case State::starting:
    case State::running:
      return Current::active;
    case State::backoff:
      return Current::backoff;
    case State::exited:
      return Current::error;
    default:
      return Current::inactive;
  }
}

/// The configured action; `restart` when none is.
std::string_view action_or_default(const std::string& action) {
  return action.empty() ? std::string_view("restart") : action;
}

}  // namespace

std::string_view state_word(State state) {
  constexpr std::array<std::string_view, 7> words{"stopped", "starting", "running", "terminating",
                                                  "killing", "backoff",  "exited"};
  return words[static_cast<std::size_t>(state)];
}

std::string_view current_word(Current current) {
  constexpr std::array<std::string_view, 4> words{"inactive", "active", "backoff", "error"};
  return words[static_cast<std::size_t>(current)];
}

ServiceMachine::ServiceMachine(std::string name, std::function<double()> jitter)
    : name_(std::move(name)), jitter_(std::move(jitter)) {}

bool ServiceMachine::has_process() const {
  return state_ == State::starting || state_ == State::running || state_ == State::terminating || state_ == State::killing;
}

Nanoseconds ServiceMachine::kill_delay() const {
  return std::max(config_.effective_kill_delay(), shortest_kill_delay);
}

void ServiceMachine::log(Actions& out, std::string_view text) const {
  out.push_back(Log{"Service " + layers::quote(name_) + " " + std::string(text)});
}

void ServiceMachine::enter(State state, Moment now) {
  state_ = state;
  deadline_.reset();
  next_restart_.reset();
  const Current current = current_of(state);
  if (current == current_ && current_since_) return;
  current_ = current;
  current_since_ = now.wall;
}

void ServiceMachine::set_deadline(Moment now, Nanoseconds delay) {
  deadline_ = now.steady + std::clamp(delay, Nanoseconds(0), longest_wait);
}

// --- Up ---

Reply ServiceMachine::start(const layers::Service& config, Actions& out) {
  config_ = config;
  if (state_ == State::starting || state_ == State::running)
    return {Reply::Kind::done, "Service " + layers::quote(name_) + " already started."};
  if (!would_launch()) return {Reply::Kind::failed, "cannot start service while " + std::string(state_word(state_))};
  backoff_.reset();
  by_start_task_ = true;
  out.push_back(Launch{++launch_});
  return {Reply::Kind::wait, {}};
}

void ServiceMachine::launched(pid_t pid, Moment now) {
  pid_ = pid;
  launched_at_ = now.steady;
  launched_config_ = config_;
  leader_gone_ = restart_after_ = stop_waits_ = stop_failed_ = false;
  ++start_count_;
  last_error_.clear();
  if (by_start_task_) {
    enter(State::starting, now);
    set_deadline(now, okay_delay);
  } else {
    ++restarts_;
    enter(State::running, now);
    set_deadline(now, config_.effective_backoff_limit());
  }
}

void ServiceMachine::launch_failed(std::string error, Moment now, Actions& out) {
  last_error_ = error;
  if (by_start_task_) {
    by_start_task_ = false;
    enter(State::stopped, now);
    out.push_back(FinishStart{.error = std::move(error)});
    return;
  }
  out.push_back(Log{std::move(error)});
  enter_backoff("on-failure", now, out);
}

void ServiceMachine::timer(Moment now, Actions& out) {
  if (!deadline_ || now.steady < *deadline_) return;
  deadline_.reset();
  switch (state_) {
    case State::starting: {
      by_start_task_ = false;
      enter(State::running, now);
      const auto lived = now.steady - launched_at_;
      set_deadline(now, config_.effective_backoff_limit() - lived);
      out.push_back(FinishStart{});
      break;
    }
    case State::running:
      backoff_.reset();
      break;
    case State::backoff:
      out.push_back(Launch{++launch_});
      break;
    case State::terminating:
      kill(now, out);
      break;
    case State::killing:
      stop_failed_ = true;
      restart_after_ = false;
      log(out, "still running after SIGTERM and SIGKILL");
      if (std::exchange(stop_waits_, false))
        out.push_back(FinishStop{"cannot stop service: process still running after SIGTERM and SIGKILL"});
      break;
    case State::stopped:
    case State::exited:
      break;
  }
}

// --- Down ---

Reply ServiceMachine::stop(Moment now, Actions& out) {
  const std::string named = "Service " + layers::quote(name_) + " ";
  switch (state_) {
    case State::stopped:
      return {Reply::Kind::done, named + "already stopped."};
    case State::exited:
      enter(State::stopped, now);
      return {Reply::Kind::done, named + "had already exited."};
    case State::backoff:
      enter(State::stopped, now);
      log(out, "stopped while waiting for backoff");
      return {Reply::Kind::done, {}};
    case State::terminating:
    case State::killing:
      restart_after_ = false;
      if (stop_failed_) out.push_back(SignalGroup{SIGKILL});
      return {Reply::Kind::done, named + "already stopping."};
    case State::starting:
      out.push_back(FinishStart{.error = "service start attempt: stopped before the 1s okay delay", .with_output = true});
      break;
    case State::running:
      break;
  }
  begin_end(now, out);
  stop_waits_ = true;
  return {Reply::Kind::wait, {}};
}

void ServiceMachine::abort_start(Moment now, Actions& out) {
  if (state_ != State::starting) return;
  by_start_task_ = false;
  out.push_back(FinishStart{.error = "start aborted, sent SIGKILL to process"});
  kill(now, out);
}

void ServiceMachine::begin_end(Moment now, Actions& out) {
  by_start_task_ = false;
  enter(State::terminating, now);
  set_deadline(now, kill_delay());
  out.push_back(SignalGroup{SIGTERM});
}

void ServiceMachine::kill(Moment now, Actions& out) {
  out.push_back(SignalGroup{SIGKILL});
  if (leader_gone_) return process_gone(now, out);
  enter(State::killing, now);
  set_deadline(now, fail_delay);
}

void ServiceMachine::process_ended(std::uint64_t launch, int code, bool leftovers, Moment now, Actions& out) {
  if (launch != launch_ || !has_process() || leader_gone_) return;
  last_exit_code_ = code;
  pid_ = 0;
  if (state_ == State::terminating && leftovers) {
    leader_gone_ = true;
    return;
  }
  if (state_ == State::terminating || state_ == State::killing) return process_gone(now, out);
  unexpected_end(code, now, out);
}

void ServiceMachine::group_ended(std::uint64_t launch, Moment now, Actions& out) {
  if (launch == launch_ && leader_gone_) process_gone(now, out);
}

void ServiceMachine::process_gone(Moment now, Actions& out) {
  leader_gone_ = false;
  stop_failed_ = false;
  if (std::exchange(restart_after_, false)) {
    log(out, "exited after check failure, restarting");
    return enter_backoff("on-check-failure", now, out);
  }
  enter(State::stopped, now);
  log(out, "stopped");
  if (std::exchange(stop_waits_, false)) out.push_back(FinishStop{});
}

// --- Actions that the plan asks for ---

void ServiceMachine::unexpected_end(int code, Moment now, Actions& out) {
  const bool well = code == 0;
  const std::string cause = well ? "on-success" : "on-failure";
  const std::string action(action_or_default(well ? config_.on_success : config_.on_failure));
  const bool in_start = std::exchange(by_start_task_, false);
  log(out, "stopped unexpectedly with code " + std::to_string(code));
  if (action == "restart") {
    enter_backoff(cause, now, out);
  } else if (action == "ignore") {
    log(out, cause + " action is \"ignore\", not doing anything further");
    enter(well ? State::stopped : State::exited, now);
  } else {
    const bool success = action == "success-shutdown" || (action == "shutdown" && well);
    log(out, cause + " action is \"" + action + "\", triggering " + (success ? "success" : "failure") + " shutdown");
    enter(State::exited, now);
    out.push_back(Shutdown{success ? ShutdownKind::success : ShutdownKind::failure});
  }
  if (in_start)
    out.push_back(
        FinishStart{.error = "service start attempt: exited quickly with code " + std::to_string(code) + ", will " + action,
                    .with_output = true});
}

void ServiceMachine::enter_backoff(std::string_view cause, Moment now, Actions& out) {
  const Nanoseconds wait = backoff_.step(config_);
  log(out, std::string(cause) + " action is \"restart\", waiting ~" + layers::format_duration(wait) +
               " before restart (backoff " + std::to_string(backoff_.count()) + ")");
  enter(State::backoff, now);
  const Nanoseconds bounded = std::min(wait, longest_wait);
  const auto extra =
      Nanoseconds(static_cast<std::int64_t>(static_cast<double>(bounded.count()) * std::clamp(jitter_(), 0.0, 0.1)));
  set_deadline(now, bounded + extra);
  next_restart_ = now.wall + bounded + extra;
}

void ServiceMachine::check_failed(const std::string& check, Moment now, Actions& out) {
  if (state_ != State::running && state_ != State::backoff && state_ != State::exited) return;
  const auto found = config_.on_check_failure.find(check);
  if (found == config_.on_check_failure.end() || found->second == "ignore") return;
  const std::string& action = found->second;
  const std::string says = "on-check-failure action is \"" + action + "\", ";
  if (action != "restart") {
    const bool success = action == "success-shutdown";
    log(out, says + "triggering " + (success ? "success" : "failure") + " shutdown");
    out.push_back(Shutdown{success ? ShutdownKind::success : ShutdownKind::check_failure});
    return;
  }
  if (state_ == State::running) {
    log(out, says + "terminating process before restarting");
    begin_end(now, out);
    restart_after_ = true;
  } else if (state_ == State::backoff) {
    log(out, says + "waiting for current backoff");
  } else {
    enter_backoff("on-check-failure", now, out);
  }
}

}  // namespace cobble::services
