#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "daemon/base/fd.h"
#include "daemon/process/reaper.h"

namespace cobble::process {

namespace {

struct Name {
  std::string_view text;
  int number;
};

constexpr std::array names{
    Name{"SIGHUP", SIGHUP},       Name{"SIGINT", SIGINT},   Name{"SIGQUIT", SIGQUIT},     Name{"SIGILL", SIGILL},
    Name{"SIGTRAP", SIGTRAP},     Name{"SIGABRT", SIGABRT}, Name{"SIGBUS", SIGBUS},       Name{"SIGFPE", SIGFPE},
    Name{"SIGKILL", SIGKILL},     Name{"SIGUSR1", SIGUSR1}, Name{"SIGSEGV", SIGSEGV},     Name{"SIGUSR2", SIGUSR2},
    Name{"SIGPIPE", SIGPIPE},     Name{"SIGALRM", SIGALRM}, Name{"SIGTERM", SIGTERM},     Name{"SIGCHLD", SIGCHLD},
    Name{"SIGCONT", SIGCONT},     Name{"SIGSTOP", SIGSTOP}, Name{"SIGTSTP", SIGTSTP},     Name{"SIGTTIN", SIGTTIN},
    Name{"SIGTTOU", SIGTTOU},     Name{"SIGURG", SIGURG},   Name{"SIGXCPU", SIGXCPU},     Name{"SIGXFSZ", SIGXFSZ},
    Name{"SIGVTALRM", SIGVTALRM}, Name{"SIGPROF", SIGPROF}, Name{"SIGWINCH", SIGWINCH},   Name{"SIGIO", SIGIO},
    Name{"SIGPWR", SIGPWR},       Name{"SIGSYS", SIGSYS},   Name{"SIGSTKFLT", SIGSTKFLT},
};

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  return std::ranges::equal(a, b, {}, upper, upper);
}

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

/// State and process group of a process from /proc/PID/stat; false when it is gone.
bool read_stat(const char* pid, char& state, pid_t& group) {
  const base::UniqueFd fd(::open((std::string("/proc/") + pid + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 512> buffer;
  const ssize_t size = fd ? ::read(fd.get(), buffer.data(), buffer.size() - 1) : -1;
  if (size <= 0) return false;
  buffer[static_cast<std::size_t>(size)] = '\0';
  // The name in parentheses may hold anything; what follows its last parenthesis is regular: `) S PPID PGRP …`.
  const char* after = std::strrchr(buffer.data(), ')');
  int parent = 0;
  return after != nullptr && std::sscanf(after + 1, " %c %d %d", &state, &parent, &group) == 3;
}

}  // namespace

bool signal_group(pid_t leader, int signal) {
  return leader > 1 && ::kill(-leader, signal) == 0;
}

bool signal_process(pid_t pid, int signal) {
  return pid > 1 && ::kill(pid, signal) == 0;
}

bool group_alive(pid_t leader) {
  if (leader <= 1 || (::kill(-leader, 0) != 0 && errno == ESRCH)) return false;
  const std::unique_ptr<DIR, CloseDir> proc(::opendir("/proc"));
  bool seen_any = false;
  while (proc) {
    const dirent* entry = ::readdir(proc.get());
    if (entry == nullptr) break;
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    char state = 0;
    pid_t group = 0;
    if (!read_stat(entry->d_name, state, group)) continue;
    seen_any = true;
    if (group == leader && state != 'Z' && state != 'X') return true;
  }
  // Without /proc the unreaped leader can't be told from the others.
  return !seen_any;
}

int signal_number(std::string_view name, bool lenient) {
  for (const Name& known : names) {
    if (known.text == name) return known.number;
    if (lenient && (equal_ignoring_case(known.text, name) || equal_ignoring_case(known.text.substr(3), name)))
      return known.number;
  }
  if (!lenient) return 0;
  int number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size() && number > 0 && number < NSIG ? number : 0;
}

}  // namespace cobble::process
