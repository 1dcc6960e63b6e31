#include "daemon/services/service.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <utility>

#include "daemon/base/error.h"
#include "daemon/base/log.h"
#include "daemon/process/descriptors.h"
#include "daemon/services/launch_request.h"
#include "layers/quote.h"

namespace cobble::services {

namespace {

constexpr base::Nanoseconds first_group_pause = std::chrono::milliseconds(1);
constexpr base::Nanoseconds longest_group_pause = std::chrono::milliseconds(50);
/// How long output is read after the end of a process, at least.
constexpr base::Nanoseconds shortest_drain = std::chrono::milliseconds(100);

std::optional<layers::Workload> copy_of(const layers::Workload* workload) {
  return workload != nullptr ? std::optional(*workload) : std::nullopt;
}

std::string_view signal_word(int number) {
  return number == SIGKILL ? "SIGKILL" : "SIGTERM";
}

template <typename... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};

}  // namespace

Service::Service(std::string name, Surroundings& surroundings)
    : surroundings_(surroundings),
      machine_(std::move(name), [&surroundings] { return surroundings.jitter(); }),
      timer_(surroundings.loop()),
      group_timer_(surroundings.loop()) {}

Service::~Service() {
  if (leader_ != 0 && !leader_ended_) surroundings_.reaper().release(leader_);
}

Moment Service::now() {
  return {std::chrono::steady_clock::now(), base::wall_now()};
}

void Service::feed(const Event& event) {
  const auto self = shared_from_this();
  Actions actions;
  event(actions);
  std::deque<Action> queue(actions.begin(), actions.end());
  while (!queue.empty()) {
    const Action action = std::move(queue.front());
    queue.pop_front();
    Actions more;
    carry_out(action, more);
    // What a launch brings about comes before what was to follow it.
    queue.insert(queue.begin(), more.begin(), more.end());
  }
  arm_timer();
}

void Service::arm_timer() {
  const auto deadline = machine_.deadline();
  if (deadline == armed_) return;
  armed_ = deadline;
  if (!deadline) return timer_.cancel();
  timer_.start(std::max(*deadline - std::chrono::steady_clock::now(), SteadyTime::duration(0)), [this] {
    armed_.reset();
    const auto fire = [this] { feed([this](Actions& out) { machine_.timer(now(), out); }); };
    if (machine_.state() != State::backoff) return fire();
    // A launch waits for its turn; by then the wait may have been ended otherwise, which the machine knows.
    surroundings_.turns().push([weak = weak_from_this(), fire] {
      if (const auto self = weak.lock()) fire();
    });
  });
}

void Service::carry_out(const Action& action, Actions& more) {
  std::visit(Overloaded{
                 [&](const Launch& it) { launch(it.number, more); },
                 [&](const SignalGroup& it) { send(it.signal); },
                 [&](const FinishStart& it) {
                   if (const auto finished = std::exchange(start_finished_, nullptr)) finished({it.error, it.with_output});
                 },
                 [&](const FinishStop& it) {
                   if (const auto finished = std::exchange(stop_finished_, nullptr)) finished({it.error, false});
                 },
                 [&](const Log& it) { base::log(it.text); },
                 [&](const Shutdown& it) { surroundings_.ask_shutdown(it.kind); },
             },
             action);
}

Reply Service::start(const layers::Service& config, const layers::Workload* workload, std::function<void(Outcome)> finished) {
  workload_ = copy_of(workload);
  Reply reply;
  feed([&](Actions& out) {
    reply = machine_.start(config, out);
    if (reply.kind == Reply::Kind::wait) start_finished_ = std::move(finished);
  });
  return reply;
}

Reply Service::stop(std::function<void(Outcome)> finished) {
  Reply reply;
  feed([&](Actions& out) {
    reply = machine_.stop(now(), out);
    if (reply.kind == Reply::Kind::wait) stop_finished_ = std::move(finished);
  });
  return reply;
}

void Service::abort_start() {
  feed([this](Actions& out) { machine_.abort_start(now(), out); });
}

void Service::check_failed(const std::string& check) {
  feed([&](Actions& out) { machine_.check_failed(check, now(), out); });
}

void Service::adopt(const layers::Service& config, const layers::Workload* workload) {
  machine_.adopt(config);
  workload_ = copy_of(workload);
}

const std::optional<layers::Workload>& Service::effective_workload() const {
  return machine_.has_process() ? launched_workload_ : workload_;
}

void Service::launch(std::uint64_t number, Actions& more) {
  const auto failed = [&](const std::string& error) { machine_.launch_failed(error, now(), more); };
  auto request = make_launch_request(machine_.config(), workload_ ? &*workload_ : nullptr);
  if (!request) return failed(request.error());
  base::log("Service " + layers::quote(machine_.name()) + " starting: " + machine_.config().command);
  base::Pipe pipe = process::make_output_pipe();
  if (!pipe.read_end) return failed("cannot start service: pipe: " + base::errno_text(errno));
  request->stdout_fd = request->stderr_fd = pipe.write_end.get();
  auto& log = surroundings_.log(machine_.name());
  const auto pid = process::spawn(*request);
  if (!pid) return failed("cannot start service: " + pid.error());
  log.begin_launch();
  std::erase_if(readers_, [](const auto& reader) { return reader->ended(); });
  readers_.push_back(std::make_unique<OutputReader>(surroundings_.loop(), std::move(pipe.read_end), log));
  leader_ = *pid;
  leader_ended_ = false;
  launched_workload_ = workload_;
  surroundings_.reaper().watch(*pid, [weak = weak_from_this(), number](process::ExitStatus status) {
    if (const auto self = weak.lock()) self->process_ended(number, status.code);
  });
  machine_.launched(*pid, now());
  surroundings_.process_changed(*this);
}

void Service::process_ended(std::uint64_t launch, int code) {
  readers_.back()->drain();
  const auto limit = std::max(machine_.config().effective_kill_delay() / 10 * 9, shortest_drain);
  readers_.back()->close_after(limit);
  leader_ended_ = true;
  // The leader keeps its number from being given away until here; after that, what is left of its group does.
  surroundings_.reaper().release(leader_);
  const bool leftovers = process::group_alive(leader_);
  if (!leftovers) leader_ = 0;
  feed([&](Actions& out) { machine_.process_ended(launch, code, leftovers, now(), out); });
  if (leftovers && machine_.has_process()) {
    watch_group(launch, first_group_pause);
  } else {
    leader_ = machine_.has_process() ? leader_ : 0;
  }
  surroundings_.process_changed(*this);
}

void Service::watch_group(std::uint64_t launch, base::Nanoseconds pause) {
  group_timer_.start(pause, [this, launch, pause] {
    if (machine_.launch_number() != launch || !leader_ended_ || leader_ == 0) return;
    if (process::group_alive(leader_)) return watch_group(launch, std::min(pause * 2, longest_group_pause));
    leader_ = 0;
    feed([&](Actions& out) { machine_.group_ended(launch, now(), out); });
    surroundings_.process_changed(*this);
  });
}

void Service::send(int signal) {
  if (leader_ != 0 && process::signal_group(leader_, signal)) return;
  base::log("Cannot send " + std::string(signal_word(signal)) + " to process: " + base::errno_text(leader_ != 0 ? errno : ESRCH));
}

void Service::kill_now() {
  if (leader_ != 0) process::signal_group(leader_, SIGKILL);
}

std::expected<void, std::string> Service::signal(int number, std::string_view name) {
  base::log("Sending " + std::string(name) + " to service " + layers::quote(machine_.name()));
  if (machine_.pid() == 0) return std::unexpected(base::errno_text(ESRCH));
  if (!process::signal_process(machine_.pid(), number)) return std::unexpected(base::errno_text(errno));
  return {};
}

}  // namespace cobble::services
