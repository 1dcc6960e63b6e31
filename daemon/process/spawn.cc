#include "daemon/process/spawn.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "daemon/base/error.h"
#include "daemon/process/limits.h"
#include "daemon/process/system.h"
#include "layers/quote.h"

namespace cobble::process {

namespace {

constexpr std::size_t stack_size = 64 * 1024;
constexpr int last_descriptor_without_limit = 65536;

/// What the child works on. It shares our memory until it has become the new program, so it only reads this, writes `error`, and
/// makes bare system calls: no allocation, no locks, no errno of ours.
struct Plan {
  const char* path = nullptr;
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  const char* working_dir = nullptr;
  bool switch_user = false;
  uid_t uid = 0;
  gid_t gid = 0;
  std::array<int, 3> descriptors{-1, -1, -1};
  bool new_session = false;
  bool controlling_terminal = false;
  bool keep_sighup_ignored = false;
  bool restore_files_limit = false;
  rlimit files_limit{};
  int error = 0;
};

long call(long number, long a = 0, long b = 0, long c = 0, long d = 0) {
  return ::syscall(number, a, b, c, d);
}

void reset_signals(const Plan& plan) {
  struct sigaction action{};
  for (int number = 1; number < NSIG; ++number) {
    if (number == SIGKILL || number == SIGSTOP) continue;
    action.sa_handler = number == SIGHUP && plan.keep_sighup_ignored ? SIG_IGN : SIG_DFL;
    ::sigaction(number, &action, nullptr);
  }
  // Everything is blocked until here, so that no handler of ours ran in our shared memory.
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Puts the three descriptors in place. Those that lie at 0 to 2 are moved away first, so that none is overwritten before it has
/// been used.
int place_descriptors(const std::array<int, 3>& wanted) {
  std::array<int, 3> from = wanted;
  for (int& fd : from) {
    if (fd >= 0 && fd < 3) fd = static_cast<int>(call(SYS_fcntl, fd, F_DUPFD, 3));
    if (fd < 0) return errno;
  }
  for (int target = 0; target < 3; ++target) {
    if (::dup2(from[static_cast<std::size_t>(target)], target) < 0) return errno;
  }
  return 0;
}

void close_the_rest(rlim_t limit) {
#ifdef SYS_close_range
  if (call(SYS_close_range, 3, ~0U, 0) == 0) return;
#endif
  const int last =
      limit == RLIM_INFINITY || limit > last_descriptor_without_limit ? last_descriptor_without_limit : static_cast<int>(limit);
  for (int fd = 3; fd < last; ++fd) ::close(fd);
}

int become(const Plan& plan) {
  if (plan.new_session) {
    if (::setsid() < 0) return errno;
  } else if (::setpgid(0, 0) < 0) {
    return errno;
  }
  if (const int error = place_descriptors(plan.descriptors); error != 0) return error;
  if (plan.controlling_terminal && ::ioctl(0, TIOCSCTTY, 0) < 0) return errno;
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  close_the_rest(files.rlim_cur);
  if (plan.restore_files_limit) ::setrlimit(RLIMIT_NOFILE, &plan.files_limit);
  if (plan.switch_user) {
    // The C library's own calls would try to carry the change to all threads of this memory; these don't.
    if (call(SYS_setgroups, 0, 0) < 0) return errno;
    if (call(SYS_setresgid, plan.gid, plan.gid, plan.gid) < 0) return errno;
    if (call(SYS_setresuid, plan.uid, plan.uid, plan.uid) < 0) return errno;
  }
  if (plan.working_dir != nullptr && ::chdir(plan.working_dir) < 0) return errno;
  reset_signals(plan);
  ::execve(plan.path, plan.argv, plan.environment);
  return errno;
}

int child_main(void* argument) {
  auto& plan = *static_cast<Plan*>(argument);
  plan.error = become(plan);
  ::_exit(127);
}

/// Memory for the child's stack with a guard page below.
class Stack {
 public:
  Stack() {
    void* memory = ::mmap(nullptr, stack_size + guard, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) return;
    memory_ = static_cast<char*>(memory);
    ::mprotect(memory_, guard, PROT_NONE);
  }
  ~Stack() {
    if (memory_ != nullptr) ::munmap(memory_, stack_size + guard);
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  char* top() const { return memory_ == nullptr ? nullptr : memory_ + guard + stack_size; }

 private:
  static constexpr std::size_t guard = 4096;
  char* memory_ = nullptr;
};

/// All signals blocked for its lifetime.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

bool executable_file(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

/// The path of a program: names with a slash as they are, others by the daemon's PATH.
std::expected<std::string, std::string> find_program(const std::string& name) {
  if (name.empty()) return std::unexpected("exec: no command");
  if (name.find('/') != std::string::npos) return name;
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty() || path != nullptr) {
    const std::size_t colon = rest.find(':');
    const std::string_view folder = rest.substr(0, colon);
    const std::string candidate = folder.empty() ? "./" + name : std::string(folder) + "/" + name;
    if (executable_file(candidate)) {
      if (!folder.starts_with('/'))
        return std::unexpected("exec: " + layers::quote(name) + ": cannot run executable found relative to current directory");
      return candidate;
    }
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  return std::unexpected("exec: " + layers::quote(name) + ": executable file not found in $PATH");
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> list;
  list.reserve(strings.size() + 1);
  for (const std::string& text : strings) list.push_back(const_cast<char*>(text.c_str()));
  list.push_back(nullptr);
  return list;
}

bool has_nul(const std::vector<std::string>& strings) {
  return std::ranges::any_of(strings, [](const std::string& text) { return text.find('\0') != std::string::npos; });
}

/// A descriptor that reads as empty and swallows what is written; images without /dev/null get a stand-in.
base::UniqueFd open_null(bool writing) {
  base::UniqueFd fd(system().open("/dev/null", (writing ? O_WRONLY : O_RDONLY) | O_CLOEXEC));
  if (fd) return fd;
  if (!writing) return base::UniqueFd(::memfd_create("null", MFD_CLOEXEC));
  // Writers of a pipe without reader would get SIGPIPE; a socket whose other end never reads would block. A file in memory grows,
  // so it is kept at one page by being sealed against growth: further writes fail and harm nobody.
  base::UniqueFd sink(::memfd_create("null", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (sink) ::fcntl(sink.get(), F_ADD_SEALS, F_SEAL_GROW);
  return sink;
}

}  // namespace

std::expected<pid_t, std::string> spawn(const SpawnRequest& request) {
  if (request.argv.empty()) return std::unexpected("exec: no command");
  auto path = find_program(request.argv.front());
  if (!path) return std::unexpected(std::move(path.error()));
  if (has_nul(request.environment)) return std::unexpected("exec: environment variable contains NUL");
  const auto failed = [&](int error) { return std::unexpected("fork/exec " + *path + ": " + base::errno_text(error)); };
  if (has_nul(request.argv)) return failed(EINVAL);

  base::UniqueFd null_in;
  base::UniqueFd null_out;
  Plan plan;
  plan.descriptors = {request.stdin_fd, request.stdout_fd, request.stderr_fd};
  if (plan.descriptors[0] < 0) {
    null_in = open_null(false);
    if (!null_in) return failed(errno);
    plan.descriptors[0] = null_in.get();
  }
  for (std::size_t i : {1U, 2U}) {
    if (plan.descriptors[i] >= 0) continue;
    if (!null_out) null_out = open_null(true);
    if (!null_out) return failed(errno);
    plan.descriptors[i] = null_out.get();
  }
  const std::vector<char*> argv = pointers(request.argv);
  const std::vector<char*> environment = pointers(request.environment);
  plan.path = path->c_str();
  plan.argv = argv.data();
  plan.environment = environment.data();
  if (!request.working_dir.empty()) plan.working_dir = request.working_dir.c_str();
  if (request.uid && request.gid) {
    plan.switch_user = true;
    plan.uid = *request.uid;
    plan.gid = *request.gid;
  }
  plan.new_session = request.new_session;
  plan.controlling_terminal = request.controlling_terminal;
  plan.keep_sighup_ignored = sighup_ignored_at_start();
  if (const auto limit = files_limit_at_start()) {
    plan.restore_files_limit = true;
    plan.files_limit = *limit;
  }

  const Stack stack;
  if (stack.top() == nullptr) return failed(ENOMEM);
  pid_t pid = -1;
  int clone_error = 0;
  {
    const SignalsBlocked blocked;
    // CLONE_VFORK: we go on only when the child has become the program or given up, so that `plan` and the stack outlive its use
    // of them.
    pid = system().clone(child_main, stack.top(), CLONE_VM | CLONE_VFORK | SIGCHLD, &plan);
    clone_error = errno;
  }
  if (pid < 0) return failed(clone_error);
  if (plan.error != 0) {
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return failed(plan.error);
  }
  return pid;
}

const std::vector<std::string>& daemon_environment() {
  static const std::vector<std::string> environment = [] {
    std::vector<std::string> list;
    for (char** at = environ; at != nullptr && *at != nullptr; ++at) list.emplace_back(*at);
    return list;
  }();
  return environment;
}

std::vector<std::string> overlay(std::vector<std::string> environment,
                                 const std::vector<std::pair<std::string, std::string>>& variables) {
  for (const auto& [name, value] : variables) {
    const std::string prefix = name + "=";
    const auto place = std::ranges::find_if(environment, [&](const std::string& entry) { return entry.starts_with(prefix); });
    if (place != environment.end()) {
      *place = prefix + value;
    } else {
      environment.push_back(prefix + value);
    }
  }
  return environment;
}

}  // namespace cobble::process
