#include "daemon/exec/session.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <cerrno>
#include <limits>

#include "daemon/base/log.h"
#include "daemon/process/terminal.h"
#include "layers/duration.h"

// The course of an exec from its first channel to its end; what flows in the channels is in session_io.cc.
namespace cobble::exec {

namespace {

using std::chrono::steady_clock;

constexpr base::Nanoseconds connect_limit = std::chrono::seconds(5);
/// After a kill, others that hold the output get this much time. It has to be clearly longer than a second (contract 05, section
/// 7).
constexpr base::Nanoseconds grace_after_kill = std::chrono::seconds(5);
constexpr base::Nanoseconds grace_at_daemon_end = std::chrono::seconds(1);
/// To send `end` to clients that still read.
constexpr base::Nanoseconds grace_for_end = std::chrono::milliseconds(500);
constexpr int pipe_size = 256 * 1024;
constexpr std::size_t input_buffer = 64 * 1024;
constexpr std::size_t small_buffer = 4 * 1024;

base::SteadyTime after(base::Nanoseconds delay) {
  const base::SteadyTime now = steady_clock::now();
  return delay > base::SteadyTime::max() - now ? base::SteadyTime::max() : now + delay;
}

void make_nonblocking(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void set_exit_code(state::TaskRun& run, int code) {
  run.set_data("api-data", "{\"exit-code\":" + std::to_string(code) + "}");
}

std::string pipe_error() {
  return "cannot create pipe: " + base::errno_text(errno);
}

}  // namespace

Session::Session(base::IoContext& loop, process::Reaper& reaper, Command command)
    : loop_(loop), reaper_(reaper), command_(std::move(command)), changed_(loop) {
  slots_["control"];
  slots_["stdio"];
  if (command_.split_stderr) slots_["stderr"];
}

void Session::log(const std::string& text) const {
  base::log("Exec " + task_id_ + ": " + text);
}

bool Session::claim(std::string_view name) {
  const auto slot = slots_.find(name);
  return slot != slots_.end() && !std::exchange(slot->second.claimed, true);
}

void Session::unclaim(std::string_view name) {
  const auto slot = slots_.find(name);
  if (slot != slots_.end() && !slot->second.channel) slot->second.claimed = false;
}

void Session::attach(std::string_view name, std::unique_ptr<base::Stream> stream, std::string early,
                     std::function<bool()> still_allowed) {
  const auto slot = slots_.find(name);
  const bool too_late = finished_ || revoked_ || (name == "control" && exited_);
  if (too_late || slot == slots_.end() || slot->second.channel) return stream->close();
  auto channel =
      std::make_shared<Channel>(loop_, std::move(stream), std::move(early), name == "stdio" ? input_buffer : small_buffer);
  slot->second.channel = channel;
  slot->second.still_allowed = std::move(still_allowed);
  if (name == "control" && child_) base::spawn(loop_, "exec control", obey(shared_from_this(), channel));
  wake();
}

bool Session::connected() const {
  return std::ranges::all_of(slots_, [](const auto& slot) { return slot.first == "control" || slot.second.channel; });
}

bool Session::outputs_done() const {
  return std::ranges::all_of(outputs_, [](const Output& output) { return output.done; });
}

void Session::wake() {
  dirty_ = true;
  changed_.notify_all();
}

void Session::signal(int number) {
  if (child_) child_->signal_all(number);
}

void Session::stop() {
  ending_ = true;
  wake();
}

void Session::check_clients() {
  const bool lost = std::ranges::any_of(slots_, [](const auto& entry) {
    const Slot& slot = entry.second;
    return slot.channel && !slot.still_allowed();
  });
  if (!lost || revoked_) return;
  log("its client has lost its rights, ending it");
  revoked_ = true;
  for (const auto& [name, slot] : slots_) {
    if (slot.channel) slot.channel->close();
  }
  wake();
}

base::Task<bool> Session::wait_changed(base::SteadyTime deadline) {
  if (!dirty_) co_await changed_.wait_until(deadline);
  co_return true;
}

/// Until something changed, the deadline, or the abort of the change.
base::Task<void> Session::pause(state::TaskRun& run, base::SteadyTime deadline) {
  using namespace boost::asio::experimental::awaitable_operators;
  if (run.aborted()) {
    co_await wait_changed(deadline);
  } else {
    co_await (wait_changed(deadline) || run.abort_event().wait());
  }
  dirty_ = false;
}

base::Task<state::TaskResult> Session::run(state::TaskRun& run) {
  const auto self = shared_from_this();
  const base::SteadyTime limit = after(connect_limit);
  const auto cancelling = [&] { return run.aborted() || ending_ || revoked_; };
  while (!connected() && !cancelling() && steady_clock::now() < limit) co_await pause(run, limit);
  if (cancelling() || !connected()) {
    const bool cancelled = cancelling();
    if (cancelled && connected()) set_exit_code(run, -1);
    drop_channels();
    if (cancelled) co_return std::unexpected("context canceled");
    const std::string text = "timeout waiting for websocket connections: context deadline exceeded";
    log(text);
    co_return std::unexpected("exec " + task_id_ + ": " + text);
  }
  if (const auto started = start(); !started) {
    process_ended();
    co_await say_end_everywhere();
    let_channels_linger();
    set_exit_code(run, -1);
    co_return std::unexpected(started.error());
  }
  const bool timed_out = co_await supervise(run);
  let_channels_linger();
  set_exit_code(run, timed_out || !exited_ ? -1 : exited_->code);
  // Reaped now, whoever still keeps a channel open.
  if (exited_) child_.reset();
  if (timed_out)
    co_return std::unexpected("timed out after " + layers::format_duration(*command_.timeout) + ": context deadline exceeded");
  co_return state::TaskResult();
}

void Session::add_output(base::UniqueFd source, std::string_view channel, bool is_terminal) {
  make_nonblocking(source.get());
  outputs_.push_back({Descriptor(loop_, source.release()), slots_.find(channel)->second.channel, is_terminal, false});
}

/// The process's end of a new pipe that leads to a channel.
std::expected<int, std::string> Session::add_pipe_output(std::string_view channel) {
  base::Pipe pipe = base::make_pipe();
  if (!pipe.read_end) return std::unexpected(pipe_error());
  // Fewer, larger reads; an unprivileged daemon may be refused.
  ::fcntl(pipe.read_end.get(), F_SETPIPE_SZ, pipe_size);
  add_output(std::move(pipe.read_end), channel, false);
  return held_.emplace_back(std::move(pipe.write_end)).get();
}

std::expected<void, std::string> Session::open_files(process::SpawnRequest& request) {
  base::UniqueFd input;
  if (command_.terminal) {
    auto terminal = process::open_terminal(command_.columns, command_.rows, command_.uid, command_.gid);
    if (!terminal) return std::unexpected(terminal.error());
    if (command_.interactive) {
      // Of its own, so that waiting to write can end without an end to reading.
      input.reset(::fcntl(terminal->master.get(), F_DUPFD_CLOEXEC, 3));
      if (!input) return std::unexpected(pipe_error());
      request.stdin_fd = terminal->slave.get();
      request.controlling_terminal = true;
    }
    request.stdout_fd = terminal->slave.get();
    held_.push_back(std::move(terminal->slave));
    add_output(std::move(terminal->master), "stdio", true);
  } else {
    const auto output = add_pipe_output("stdio");
    if (!output) return std::unexpected(output.error());
    request.stdout_fd = *output;
  }
  request.stderr_fd = request.stdout_fd;
  if (command_.split_stderr) {
    const auto output = add_pipe_output("stderr");
    if (!output) return std::unexpected(output.error());
    request.stderr_fd = *output;
  }
  if (!input) {
    base::Pipe pipe = base::make_pipe();
    if (!pipe.read_end) return std::unexpected(pipe_error());
    request.stdin_fd = held_.emplace_back(std::move(pipe.read_end)).get();
    input = std::move(pipe.write_end);
  }
  make_nonblocking(input.get());
  input_.emplace(loop_, input.release());
  return {};
}

std::expected<void, std::string> Session::start() {
  process::SpawnRequest request;
  request.argv = command_.argv;
  for (const auto& [name, value] : command_.environment) request.environment.push_back(name + "=" + value);
  request.working_dir = command_.working_dir;
  request.uid = command_.uid;
  request.gid = command_.gid;
  request.new_session = true;
  // Its clients are gone then, and nobody would look after it.
  request.dies_with_daemon = true;
  if (auto opened = open_files(request); !opened) return opened;
  auto child = process::Child::start(loop_, reaper_, request);
  if (!child) return std::unexpected(child.error());
  child_ = std::move(*child);
  // Its input has no other reader: what nobody will read is seen as such.
  std::erase_if(held_, [&](const base::UniqueFd& fd) { return fd.get() == request.stdin_fd && !command_.interactive; });
  const auto self = shared_from_this();
  base::spawn(loop_, "exec child", watch_child(self));
  base::spawn(loop_, "exec input", feed(self, slots_["stdio"].channel));
  feeding_ = true;
  for (Output& output : outputs_) base::spawn(loop_, "exec output", pump(self, output));
  if (const auto& control = slots_["control"].channel) base::spawn(loop_, "exec control", obey(self, control));
  return {};
}

base::Task<void> Session::watch_child(std::shared_ptr<Session> self) {
  const auto status = co_await self->child_->wait();
  if (!status) co_return;
  self->exited_ = status;
  self->process_ended();
  self->wake();
}

/// Waits for the exit and for all output to be sent; kills at the timeout, an abort, the daemon's end, or when a
/// client has lost its rights. True: the time was over.
base::Task<bool> Session::supervise(state::TaskRun& run) {
  const base::SteadyTime deadline = command_.timeout ? after(*command_.timeout) : base::SteadyTime::max();
  base::SteadyTime give_up = base::SteadyTime::max();
  bool timed_out = false;
  bool stopping = false;
  while (!exited_ || !outputs_done()) {
    const base::SteadyTime now = steady_clock::now();
    const bool killed = give_up != base::SteadyTime::max();
    if (!killed && (now >= deadline || run.aborted() || ending_ || revoked_)) {
      timed_out = now >= deadline;
      child_->signal_all(SIGKILL);
      give_up = now + grace_after_kill;
    }
    if (ending_ && !std::exchange(stopping, true)) give_up = std::min(give_up, now + grace_at_daemon_end);
    if (now >= give_up) break;
    co_await pause(run, std::min(give_up, timed_out ? give_up : deadline));
  }
  if (!outputs_done()) co_await abandon_outputs(run);
  co_return timed_out || steady_clock::now() >= deadline;
}

/// The process is gone, or never came to be.
void Session::process_ended() {
  if (const auto& control = slots_["control"].channel) control->close();
  held_.clear();
  base::ErrorCode ignored;
  if (input_) input_->close(ignored);
  // Whoever else holds the terminal isn't waited for.
  for (Output& output : outputs_) {
    if (output.is_terminal && output.source.is_open()) output.source.cancel(ignored);
  }
}

/// Somebody holds an output open, or a client doesn't read, for too long.
base::Task<void> Session::abandon_outputs(state::TaskRun& run) {
  process_ended();
  base::ErrorCode ignored;
  for (Output& output : outputs_) output.source.close(ignored);
  const base::SteadyTime limit = after(grace_for_end);
  while (!outputs_done() && steady_clock::now() < limit) co_await pause(run, limit);
  for (Output& output : outputs_) {
    if (!output.done) output.channel->close();
  }
}

base::Task<void> Session::say_end_everywhere() {
  for (const auto& [name, slot] : slots_) {
    if (name != "control") co_await slot.channel->send(Opcode::text, end_message);
  }
}

void Session::drop_channels() {
  finished_ = true;
  for (const auto& [name, slot] : slots_) {
    if (slot.channel) slot.channel->close();
  }
}

void Session::let_channels_linger() {
  finished_ = true;
  for (auto& [name, slot] : slots_) {
    if (slot.channel && name != "control") slot.channel->linger(name != "stdio" || !feeding_);
    slot.channel.reset();
  }
}

}  // namespace cobble::exec
