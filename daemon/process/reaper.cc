#include "daemon/process/reaper.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/base/log.h"
#include "daemon/process/system.h"

namespace cobble::process {

namespace {

/// Ended processes dealt with in one turn of the loop.
constexpr int turn_limit = 64;
/// How often at most all watched processes are asked one by one.
constexpr base::Nanoseconds sweep_pause = std::chrono::milliseconds(20);

ExitStatus exit_status(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return {.code = info.si_status, .signal = 0};
  return {.code = 128 + info.si_status, .signal = info.si_status};
}

/// Looks at an ended child without reaping it; false when there is none.
bool peek(idtype_t type, id_t id, siginfo_t& info) {
  info.si_pid = 0;
  return system_calls().wait_id(type, id, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

void reap(pid_t pid) {
  siginfo_t info{};
  while (system_calls().wait_id(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG) != 0 && errno == EINTR) {
  }
}

/// Our children as the kernel lists them; nothing where it doesn't.
std::vector<pid_t> list_children() {
  std::ifstream file("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  return {std::istream_iterator<pid_t>(file), std::istream_iterator<pid_t>()};
}

}  // namespace

// The kernel shows ended children one at a time, and shows the same one again until it is reaped. A leader that its owner keeps
// unreaped hides those behind it; meanwhile the ids that come with SIGCHLD lead to the others, and a sweep over the watched ones
// to those whose signals were merged. Orphans that stay hidden are reaped when the leader is released.
struct Reaper::State : std::enable_shared_from_this<Reaper::State> {
  explicit State(base::IoContext& context) : loop(context), descriptor(context), sweep_timer(context) {}

  struct Watch {
    std::function<void(ExitStatus)> on_exit;
    bool ended = false;
  };

  base::IoContext& loop;
  boost::asio::posix::stream_descriptor descriptor;
  base::Timer sweep_timer;
  std::unordered_map<pid_t, Watch> watched;
  bool scan_posted = false;
  bool sweep_armed = false;
  bool closed = false;

  void wait_for_signal() {
    descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](boost::system::error_code error) {
                            if (error || self->closed) return;
                            self->take_signals();
                            self->scan();
                            self->wait_for_signal();
                          });
  }

  void take_signals() {
    std::array<signalfd_siginfo, 16> infos;
    const ssize_t size = ::read(descriptor.native_handle(), infos.data(), sizeof infos);
    for (ssize_t i = 0; i < size / static_cast<ssize_t>(sizeof infos[0]); ++i) {
      siginfo_t info{};
      if (peek(P_PID, infos[static_cast<std::size_t>(i)].ssi_pid, info)) ended(info);
    }
  }

  void scan() {
    siginfo_t info{};
    for (int count = 0; count < turn_limit; ++count) {
      if (!peek(P_ALL, 0, info)) return;
      ended(info);
      if (watched.contains(info.si_pid)) return arm_sweep();
    }
    post_scan();
  }

  void post_scan() {
    if (std::exchange(scan_posted, true)) return;
    boost::asio::post(loop, [self = shared_from_this()] {
      self->scan_posted = false;
      if (!self->closed) self->scan();
    });
  }

  void arm_sweep() {
    if (std::exchange(sweep_armed, true)) return;
    sweep_timer.start(sweep_pause, [this] {
      sweep_armed = false;
      sweep();
    });
  }

  void sweep() {
    std::vector<pid_t> pids;
    for (const auto& [pid, watch] : watched)
      if (!watch.ended) pids.push_back(pid);
    for (const pid_t pid : list_children())
      if (!watched.contains(pid)) pids.push_back(pid);
    siginfo_t info{};
    for (const pid_t pid : pids)
      if (peek(P_PID, static_cast<id_t>(pid), info)) ended(info);
  }

  void ended(const siginfo_t& info) {
    const pid_t pid = info.si_pid;
    const auto found = watched.find(pid);
    if (found == watched.end()) {
      reap(pid);
      if (base::log_debug_enabled())
        base::log_debug("Reaped PID " + std::to_string(pid) + " which exited with code " +
                        std::to_string(exit_status(info).code) + ".");
      return;
    }
    if (std::exchange(found->second.ended, true)) return;
    const auto on_exit = std::move(found->second.on_exit);
    try {
      on_exit(exit_status(info));
    } catch (const std::exception& error) {
      base::log("Internal error at the end of a process: " + std::string(error.what()));
    }
  }
};

Reaper::Reaper(base::IoContext& loop) : state_(std::make_shared<State>(loop)) {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  // Inherited as ignored, SIGCHLD would make the kernel reap by itself.
  ::signal(SIGCHLD, SIG_DFL);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const int fd = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) {
    base::log("Cannot watch for ended processes");
    return;
  }
  state_->descriptor.assign(fd);
  state_->wait_for_signal();
  state_->post_scan();  // children inherited at exec
}

Reaper::~Reaper() {
  state_->closed = true;
  state_->sweep_timer.cancel();
  boost::system::error_code ignored;
  state_->descriptor.close(ignored);
}

void Reaper::watch(pid_t pid, std::function<void(ExitStatus)> on_exit) {
  state_->watched.insert_or_assign(pid, State::Watch{std::move(on_exit)});
}

void Reaper::release(pid_t pid) {
  const auto found = state_->watched.find(pid);
  if (found == state_->watched.end()) return;
  const bool ended = found->second.ended;
  state_->watched.erase(found);
  if (!ended) return;
  reap(pid);
  state_->post_scan();  // what it hid
}

bool signal_group(pid_t leader, int signal) {
  return leader > 1 && system_calls().kill(-leader, signal) == 0;
}

bool signal_process(pid_t pid, int signal) {
  return pid > 1 && system_calls().kill(pid, signal) == 0;
}

bool group_alive(pid_t leader) {
  return leader > 1 && (system_calls().kill(-leader, 0) == 0 || errno == EPERM);
}

}  // namespace cobble::process
