#include "daemon/process/spawn.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "daemon/base/error.h"
#include "daemon/process/descriptors.h"
#include "daemon/process/limits.h"
#include "daemon/process/lookup.h"
#include "daemon/process/system.h"

// The child shares the daemon's memory until it calls exec, while the daemon's thread waits. So it may only make system calls and
// write to the ChildPlan; it must not allocate, lock, or use C library calls that keep state (its setuid and the like would
// switch all threads).
#if defined(__clang__)
#define COBBLE_IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined"), no_stack_protector))
#else
#define COBBLE_IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))
#endif

namespace cobble::process {

namespace {

/// Everything the child needs, made ready before it is born.
struct ChildPlan {
  const char* path = nullptr;
  char** argv = nullptr;
  char** environment = nullptr;
  const char* working_dir = nullptr;  ///< nullptr: stay
  bool change_ids = false;
  uid_t uid = 0;
  gid_t gid = 0;
  std::array<int, 3> sources{};  ///< what becomes descriptors 0 to 2
  bool new_session = false;
  bool controlling_terminal = false;
  pid_t dies_with = 0;  ///< the daemon; 0: it may outlive it
  bool keep_hangup_ignored = false;
  rlim_t descriptor_limit = 0;
  System* system = nullptr;
  int error = 0;  ///< out: errno of what failed
};

#if defined(SYS_setresuid32)
constexpr long setresuid_number = SYS_setresuid32;
constexpr long setresgid_number = SYS_setresgid32;
constexpr long setgroups_number = SYS_setgroups32;
#else
constexpr long setresuid_number = SYS_setresuid;
constexpr long setresgid_number = SYS_setresgid;
constexpr long setgroups_number = SYS_setgroups;
#endif

COBBLE_IN_CHILD bool take_place(const ChildPlan& plan) {
  if (plan.new_session) {
    if (::setsid() < 0) return false;
    return !plan.controlling_terminal || ::ioctl(plan.sources[0], TIOCSCTTY, 0) == 0;
  }
  return ::setpgid(0, 0) == 0;
}

COBBLE_IN_CHILD bool switch_user(const ChildPlan& plan) {
  if (!plan.change_ids) return true;
  return ::syscall(setgroups_number, 0, nullptr) == 0 && ::syscall(setresgid_number, plan.gid, plan.gid, plan.gid) == 0 &&
         ::syscall(setresuid_number, plan.uid, plan.uid, plan.uid) == 0;
}

COBBLE_IN_CHILD void reset_dispositions(const ChildPlan& plan) {
  struct sigaction initial;
  ::memset(&initial, 0, sizeof initial);
  initial.sa_handler = SIG_DFL;
  for (int number = 1; number < _NSIG; ++number)
    if (number != SIGHUP || !plan.keep_hangup_ignored) ::sigaction(number, &initial, nullptr);
}

// Where close_range is missing or forbidden: what /proc lists, or else every number there could be.
COBBLE_IN_CHILD void close_one_by_one() {
  const int list = ::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (list < 0) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const int end = limit.rlim_cur > 1048576 ? 1048576 : static_cast<int>(limit.rlim_cur);
    for (int fd = 3; fd < end; ++fd) ::close(fd);
    return;
  }
  alignas(dirent64) char buffer[4096];
  // Closing while listing may make the listing skip entries; so the list is read again until nothing was closed.
  for (bool closed = true; closed;) {
    closed = false;
    ::lseek(list, 0, SEEK_SET);
    for (long size; (size = ::syscall(SYS_getdents64, list, buffer, sizeof buffer)) > 0;) {
      for (long at = 0; at < size;) {
        const auto* entry = reinterpret_cast<const dirent64*>(buffer + at);
        at += entry->d_reclen;
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
        int fd = 0;
        for (const char* digit = entry->d_name; *digit != 0; ++digit) fd = fd * 10 + (*digit - '0');
        if (fd < 3 || fd == list) continue;
        closed = ::close(fd) == 0 || closed;
      }
    }
  }
  ::close(list);
}

COBBLE_IN_CHILD bool place_descriptors(ChildPlan& plan) {
  for (int& source : plan.sources) {
    if (source >= 3) continue;
    const int moved = ::fcntl(source, F_DUPFD, 3);
    if (moved < 0) return false;
    for (int& other : plan.sources)
      if (&other != &source && other == source) other = moved;
    source = moved;
  }
  for (int number = 0; number < 3; ++number)
    if (::dup2(plan.sources[static_cast<std::size_t>(number)], number) < 0) return false;
  if (plan.system->close_range(3) != 0) close_one_by_one();
  return true;
}

COBBLE_IN_CHILD void limit_descriptors(const ChildPlan& plan) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == plan.descriptor_limit) return;
  limit.rlim_cur = plan.descriptor_limit;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

COBBLE_IN_CHILD int child_main(void* argument) {
  auto& plan = *static_cast<ChildPlan*>(argument);
  reset_dispositions(plan);
  if (take_place(plan) && switch_user(plan) && (plan.working_dir == nullptr || ::chdir(plan.working_dir) == 0) &&
      place_descriptors(plan)) {
    limit_descriptors(plan);
    if (plan.dies_with != 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);               // after the change of user, which would undo it
      if (::getppid() != plan.dies_with) ::_exit(127);  // it has ended already
    }
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execve(plan.path, plan.argv, plan.environment);
  }
  plan.error = errno;
  ::_exit(127);
}

/// Blocks every signal, those that the C library keeps for itself too, so that no handler runs in the child on the shared memory.
class BlockedSignals {
 public:
  BlockedSignals() {
    const std::uint64_t all = ~std::uint64_t{0};
    ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before_, sizeof all);
  }
  ~BlockedSignals() { ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, sizeof before_); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  std::uint64_t before_ = 0;
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> list;
  list.reserve(texts.size() + 1);
  for (const auto& text : texts) list.push_back(const_cast<char*>(text.c_str()));
  list.push_back(nullptr);
  return list;
}

bool has_nul(const std::string& text) {
  return text.contains('\0');
}

pid_t clone_child(ChildPlan& plan) {
  constexpr std::size_t stack_size = 128 * 1024;
  alignas(64) static std::array<char, stack_size> stack;
  const BlockedSignals blocked;
  const pid_t pid = system_calls().clone_vfork(child_main, stack.data() + stack.size(), &plan);
  if (pid < 0) {
    plan.error = errno;
  } else if (plan.error != 0) {
    // Never became a process of its own: nobody else may hear of its end.
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0 && errno == EINTR) {
    }
  }
  return pid;
}

/// Fills the places of 0 to 2; an errno when there is nothing to put there.
int choose_descriptors(const SpawnRequest& request, ChildPlan& plan) {
  errno = 0;
  plan.sources = {request.stdin_fd >= 0 ? request.stdin_fd : null_input(),
                  request.stdout_fd >= 0 ? request.stdout_fd : null_output(),
                  request.stderr_fd >= 0 ? request.stderr_fd : null_output()};
  return std::ranges::all_of(plan.sources, [](int fd) { return fd >= 0; }) ? 0 : errno != 0 ? errno : ENOENT;
}

}  // namespace

std::expected<pid_t, std::string> spawn(const SpawnRequest& request) {
  if (request.argv.empty()) return std::unexpected("exec: no command");
  const char* search_path = ::getenv("PATH");
  const auto path = find_command(request.argv.front(), search_path != nullptr ? search_path : "");
  if (!path) return std::unexpected(path.error());
  if (std::ranges::any_of(request.environment, has_nul)) return std::unexpected("exec: environment variable contains NUL");
  const auto failure = [&](int error) { return std::unexpected("fork/exec " + *path + ": " + base::errno_text(error)); };
  if (std::ranges::any_of(request.argv, has_nul) || has_nul(request.working_dir)) return failure(EINVAL);

  auto argv = pointers(request.argv);
  auto environment = pointers(request.environment);
  struct sigaction hangup{};
  ::sigaction(SIGHUP, nullptr, &hangup);
  ChildPlan plan{.path = path->c_str(),
                 .argv = argv.data(),
                 .environment = environment.data(),
                 .working_dir = request.working_dir.empty() ? nullptr : request.working_dir.c_str(),
                 .change_ids = request.uid && request.gid,
                 .uid = request.uid.value_or(0),
                 .gid = request.gid.value_or(0),
                 .new_session = request.new_session,
                 .controlling_terminal = request.controlling_terminal,
                 .dies_with = request.dies_with_daemon ? ::getpid() : 0,
                 .keep_hangup_ignored = hangup.sa_handler == SIG_IGN,
                 .descriptor_limit = child_files_limit(),
                 .system = &system_calls()};
  if (const int error = choose_descriptors(request, plan); error != 0) return failure(error);
  const pid_t pid = clone_child(plan);
  if (plan.error != 0) return failure(plan.error);
  return pid;
}

void close_inherited_descriptors() {
  if (system_calls().close_range(3) != 0) close_one_by_one();
}

const std::vector<std::string>& daemon_environment() {
  static const std::vector<std::string> environment = [] {
    std::vector<std::string> list;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) list.emplace_back(*entry);
    return list;
  }();
  return environment;
}

std::vector<std::string> overlay(std::vector<std::string> environment, const std::map<std::string, std::string>& variables) {
  auto left = variables;
  for (auto& entry : environment) {
    const auto name = entry.substr(0, entry.find('='));
    if (const auto found = left.find(name); found != left.end()) {
      entry = name + "=" + found->second;
      left.erase(found);
    }
  }
  for (const auto& [name, value] : left) environment.push_back(name + "=" + value);
  return environment;
}

}  // namespace cobble::process
