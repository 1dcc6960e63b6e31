#include <sys/stat.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <csignal>
#include <memory>
#include <utility>

#include "daemon/base/error.h"
#include "daemon/base/log.h"
#include "daemon/base/stream.h"
#include "daemon/base/within.h"
#include "daemon/checks/details.h"
#include "daemon/checks/probe.h"
#include "daemon/process/child.h"
#include "daemon/process/spawn.h"
#include "daemon/process/users.h"
#include "layers/command.h"
#include "layers/quote.h"

namespace cobble::checks {

namespace {

namespace asio = boost::asio;

/// How long others may hold open the output of a command that has ended.
constexpr auto output_grace = std::chrono::seconds(1);

/// What a command writes: drained all the while, so that it never blocks; its end is kept.
class Output : public std::enable_shared_from_this<Output> {
 public:
  Output(base::IoContext& loop, base::UniqueFd read_end) : pipe_(loop, read_end.release()), ended_event_(loop) {}

  /// To be called once.
  base::Task<void> drain() {
    const auto self = shared_from_this();
    std::array<char, 4096> buffer;
    base::ErrorCode error;
    while (!error) {
      const std::size_t count =
          co_await pipe_.async_read_some(asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
      tail_.append({buffer.data(), count});
    }
    ended_ = true;
    ended_event_.notify_all();
  }

  /// Waits until everybody has closed it, at most until `deadline`.
  base::Task<void> wait_until(base::SteadyTime deadline) {
    if (!ended_) co_await ended_event_.wait_until(deadline);
  }

  void close() {
    base::ErrorCode ignored;
    pipe_.close(ignored);
  }

  std::string_view tail() const { return tail_.text(); }

 private:
  asio::posix::stream_descriptor pipe_;
  base::Event ended_event_;
  bool ended_ = false;
  OutputTail tail_;
};

std::expected<process::SpawnRequest, std::string> spawn_request(const CheckConfig& config) {
  const process::CommandContext& context = config.context;
  auto words = layers::split_command(config.check.exec->command);
  if (!words) return std::unexpected(words.error());
  if (words->empty() || words->front().empty()) return std::unexpected("exec: no command");
  const auto credentials = process::resolve_credentials(context.user, context.user_id, context.group, context.group_id);
  if (!credentials) return std::unexpected(credentials.error());
  process::SpawnRequest request;
  request.dies_with_daemon = true;  // which would have ended it at its timeout
  request.argv = std::move(*words);
  request.environment = process::overlay(process::daemon_environment(), {context.environment.begin(), context.environment.end()});
  request.working_dir = context.working_dir;
  if (!credentials->same_as_daemon) {
    request.uid = credentials->uid;
    request.gid = credentials->gid;
  }
  // The clearer error, which the reference has only where it doesn't switch users.
  struct stat about{};
  if (!request.uid && !request.working_dir.empty() && ::stat(request.working_dir.c_str(), &about) != 0)
    return std::unexpected("chdir " + request.working_dir + ": " + base::errno_text(errno));
  return request;
}

}  // namespace

/// A command and its output. At the end of this object reading stops, and unless the run was completed the whole group is killed.
class Prober::Command {
 public:
  Command(Prober& prober, std::unique_ptr<process::Child> child, std::shared_ptr<Output> output)
      : prober_(prober), child_(std::move(child)), output_(std::move(output)) {
    prober_.commands_.insert(this);
  }
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  ~Command() {
    if (!child_) return;  // abandoned: the prober is gone, too
    prober_.commands_.erase(this);
    prober_.command_gone_.notify_all();
    if (!completed_) kill();
    output_->close();
  }

  /// Waits for the end of the process, and then a little for that of its output.
  base::Task<void> wait() {
    while (!child_->status()) co_await child_->wait();
    co_await output_->wait_until(std::chrono::steady_clock::now() + output_grace);
  }
  /// The command has ended by itself: what it left behind may live on.
  int complete() {
    completed_ = true;
    return child_->status()->code;
  }
  void kill() { child_->signal_all(SIGKILL); }
  /// Kills and gives the process back: whoever waits for it is never resumed again, only destroyed.
  void abandon() {
    kill();
    child_.reset();
  }

  pid_t pid() const { return child_->pid(); }
  Output& output() { return *output_; }

 private:
  Prober& prober_;
  std::unique_ptr<process::Child> child_;
  std::shared_ptr<Output> output_;
  bool completed_ = false;
};

Prober::~Prober() {
  for (Command* command : commands_) command->abandon();
}

base::Task<void> Prober::end_commands(base::SteadyTime deadline) {
  for (Command* command : commands_) command->kill();
  while (!commands_.empty() && std::chrono::steady_clock::now() < deadline) co_await command_gone_.wait_until(deadline);
}

base::Task<ProbeResult> Prober::run_exec(const CheckConfig& config) {
  auto request = spawn_request(config);
  if (!request) co_return std::unexpected(ProbeError{std::move(request.error()), {}});
  base::Pipe pipe = base::make_pipe();
  if (!pipe.read_end) co_return std::unexpected(ProbeError{"pipe2: " + base::errno_text(errno), {}});
  request->stdout_fd = pipe.write_end.get();
  request->stderr_fd = pipe.write_end.get();
  auto child = process::Child::start(loop_, reaper_, *request);
  if (!child) co_return std::unexpected(ProbeError{child.error(), {}});
  pipe.write_end.reset();
  Command command(*this, std::move(*child), std::make_shared<Output>(loop_, std::move(pipe.read_end)));
  base::spawn(loop_, "output of a check", command.output().drain());

  const layers::Check& check = config.check;
  if (base::log_debug_enabled())
    base::log_debug("Check " + layers::quote(check.name) + " (exec): running " + layers::quote(check.exec->command) + " (PID " +
                    std::to_string(command.pid()) + ")");
  if (!co_await base::within(check.effective_timeout(), command.wait())) co_return std::unexpected(timeout_error(check));
  const int code = command.complete();
  if (code == 0) co_return ProbeResult();
  co_return std::unexpected(ProbeError{"exit status " + std::to_string(code), output_details(command.output().tail())});
}

}  // namespace cobble::checks
