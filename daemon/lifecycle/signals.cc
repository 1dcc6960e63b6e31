#include "daemon/lifecycle/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "daemon/base/log.h"

namespace cobble::lifecycle {

namespace {

constexpr std::array stop_signals{SIGTERM, SIGINT, SIGQUIT};
/// What must not harm the daemon, whoever sends it.
constexpr std::array harmless_signals{SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGXCPU};

sigset_t handled_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : stop_signals) ::sigaddset(&set, number);
  for (const int number : harmless_signals) ::sigaddset(&set, number);
  return set;
}

}  // namespace

struct StopSignals::State {
  State(base::IoContext& loop, std::function<void(int)> callback) : descriptor(loop), on_stop(std::move(callback)) {}
  boost::asio::posix::stream_descriptor descriptor;
  std::function<void(int)> on_stop;

  static void wait(const std::shared_ptr<State>& state) {
    state->descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read, [state](boost::system::error_code error) {
      if (error) return;
      take(*state);
      wait(state);
    });
  }

  static void take(State& state) {
    signalfd_siginfo info;
    while (state.on_stop && ::read(state.descriptor.native_handle(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      const int number = static_cast<int>(info.ssi_signo);
      if (std::ranges::find(stop_signals, number) != stop_signals.end()) state.on_stop(number);
    }
  }
};

void hold_signals() {
  const sigset_t set = handled_signals();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  // Shells start background jobs with SIGINT and SIGQUIT ignored; an ignored signal would never reach the descriptor.
  for (const int number : stop_signals) ::signal(number, SIG_DFL);
  ::signal(SIGPIPE, SIG_IGN);
}

StopSignals::StopSignals(base::IoContext& loop, std::function<void(int)> on_stop)
    : state_(std::make_shared<State>(loop, std::move(on_stop))) {
  const sigset_t set = handled_signals();
  const int fd = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) {
    base::log("Cannot watch for signals");
    return;
  }
  state_->descriptor.assign(fd);
  State::wait(state_);
}

StopSignals::~StopSignals() {
  state_->on_stop = nullptr;
  boost::system::error_code ignored;
  state_->descriptor.close(ignored);
}

std::string_view signal_word(int number) {
  switch (number) {
    case SIGTERM:
      return "terminated";
    case SIGINT:
      return "interrupt";
    default:
      return "quit";
  }
}

}  // namespace cobble::lifecycle
