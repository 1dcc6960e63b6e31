#include "daemon/process/reaper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <charconv>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/base/fd.h"
#include "daemon/base/log.h"

namespace cobble::process {

namespace {

ExitStatus exit_status(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return {info.si_status, 0};
  return {128 + info.si_status, info.si_status};
}

void reap(pid_t pid) {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG) < 0 && errno == EINTR) {
  }
}

}  // namespace

struct Reaper::State : std::enable_shared_from_this<State> {
  struct Child {
    std::function<void(ExitStatus)> on_exit;
    bool ended = false;     ///< looked at, kept unreaped
    bool released = false;  ///< nobody asks for it any more
  };

  explicit State(base::IoContext& the_loop) : loop(the_loop), descriptor(the_loop) {}

  void wait() {
    descriptor.async_wait(
        boost::asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](boost::system::error_code error) {
          if (error) return;
          signalfd_siginfo info;
          while (::read(self->descriptor.native_handle(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
          }
          self->look();
          self->wait();
        });
  }

  /// Looks at every child that has ended. `waitid` names the same child again and again until it is reaped.
  void look() {
    while (true) {
      siginfo_t info{};
      if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
      const auto found = children.find(info.si_pid);
      if (found == children.end()) {
        reap(info.si_pid);
        base::log_debug("Reaped PID " + std::to_string(info.si_pid) + " which exited with code " +
                        std::to_string(exit_status(info).code) + ".");
        continue;
      }
      if (!found->second.ended) ended(info.si_pid, found->second, info);
      if (!children.contains(info.si_pid)) continue;
      // A leader that stays unreaped hides others behind it: those are found by their own ids.
      look_at_watched();
      reap_strangers();
      return;
    }
  }

  void look_at_watched() {
    std::vector<pid_t> pids;
    for (const auto& [pid, child] : children)
      if (!child.ended) pids.push_back(pid);
    for (const pid_t pid : pids) {
      const auto found = children.find(pid);
      if (found == children.end() || found->second.ended) continue;
      siginfo_t info{};
      if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid)
        ended(pid, found->second, info);
    }
  }

  void ended(pid_t pid, Child& child, const siginfo_t& info) {
    child.ended = true;
    if (child.released) {
      reap(pid);
      children.erase(pid);
      return;
    }
    auto callback = std::move(child.on_exit);
    child.on_exit = nullptr;
    if (callback) callback(exit_status(info));
  }

  /// Reaps what a kept leader hides, as far as the kernel lists our children. Without /proc they wait for the leader's release.
  void reap_strangers() {
    const std::string path = "/proc/self/task/" + std::to_string(::getpid()) + "/children";
    const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return;
    std::string text;
    std::array<char, 4096> buffer;
    for (ssize_t count = 0; (count = ::read(fd.get(), buffer.data(), buffer.size())) > 0;)
      text.append(buffer.data(), static_cast<std::size_t>(count));
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at < end) {
      pid_t pid = 0;
      const auto [next, error] = std::from_chars(at, end, pid);
      if (error != std::errc()) return;
      if (!children.contains(pid)) reap(pid);
      at = next + 1;
    }
  }

  base::IoContext& loop;
  boost::asio::posix::stream_descriptor descriptor;
  std::unordered_map<pid_t, Child> children;
};

Reaper::Reaper(base::IoContext& loop) : state_(std::make_shared<State>(loop)) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  // An ignored SIGCHLD would make the kernel reap by itself.
  ::signal(SIGCHLD, SIG_DFL);
  const int fd = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) {
    base::log("Cannot watch for ended processes");
    return;
  }
  state_->descriptor.assign(fd);
  state_->wait();
}

Reaper::~Reaper() {
  boost::system::error_code ignored;
  state_->descriptor.close(ignored);
  state_->children.clear();
}

void Reaper::watch(pid_t pid, std::function<void(ExitStatus)> on_exit) {
  state_->children[pid].on_exit = std::move(on_exit);
  // It may have ended already, and its signal may have been taken together with an earlier one.
  boost::asio::post(state_->loop, [state = state_] { state->look(); });
}

void Reaper::release(pid_t pid) {
  const auto found = state_->children.find(pid);
  if (found == state_->children.end()) return;
  if (!found->second.ended) {
    found->second.released = true;
    found->second.on_exit = nullptr;
    return;
  }
  reap(pid);
  state_->children.erase(found);
  boost::asio::post(state_->loop, [state = state_] { state->look(); });
}

}  // namespace cobble::process
