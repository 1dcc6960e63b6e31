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

/// A command and its output. At the end of this object reading stops, and unless the run was completed the whole group is killed.
struct Command {
  std::unique_ptr<process::Child> child;
  std::shared_ptr<Output> output;
  bool completed = false;

  Command(std::unique_ptr<process::Child> its_child, std::shared_ptr<Output> its_output)
      : child(std::move(its_child)), output(std::move(its_output)) {}
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  ~Command() {
    if (!completed) child->signal_all(SIGKILL);
    output->close();
  }

  /// Waits for the end of the process, and then a little for that of its output.
  base::Task<void> wait() {
    while (!child->status()) co_await child->wait();
    co_await output->wait_until(std::chrono::steady_clock::now() + output_grace);
  }
};

std::expected<process::SpawnRequest, std::string> spawn_request(const CheckConfig& config) {
  const process::CommandContext& context = config.context;
  auto words = layers::split_command(config.check.exec->command);
  if (!words) return std::unexpected(words.error());
  if (words->empty() || words->front().empty()) return std::unexpected("exec: no command");
  const auto credentials = process::resolve_credentials(context.user, context.user_id, context.group, context.group_id);
  if (!credentials) return std::unexpected(credentials.error());
  process::SpawnRequest request;
  request.argv = std::move(*words);
  request.environment = process::overlay(process::daemon_environment(), {context.environment.begin(), context.environment.end()});
  request.working_dir = context.working_dir;
  if (!credentials->same_as_daemon) {
    request.uid = credentials->uid;
    request.gid = credentials->gid;
  }
  return request;
}

}  // namespace

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
  Command command(std::move(*child), std::make_shared<Output>(loop_, std::move(pipe.read_end)));
  base::spawn(loop_, "output of a check", command.output->drain());

  const layers::Check& check = config.check;
  if (base::log_debug_enabled())
    base::log_debug("Check " + layers::quote(check.name) + " (exec): running " + layers::quote(check.exec->command) + " (PID " +
                    std::to_string(command.child->pid()) + ")");
  if (!co_await base::within(check.effective_timeout(), command.wait())) co_return std::unexpected(timeout_error(check));
  command.completed = true;
  const int code = command.child->status()->code;
  if (code == 0) co_return ProbeResult();
  co_return std::unexpected(ProbeError{"exit status " + std::to_string(code), output_details(command.output->tail())});
}

}  // namespace cobble::checks
