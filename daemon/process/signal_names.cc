#include <signal.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "daemon/process/reaper.h"

namespace cobble::process {

namespace {

struct Name {
  std::string_view text;
  int number;
};

constexpr std::array names{
    Name{"SIGHUP", SIGHUP},       Name{"SIGINT", SIGINT},   Name{"SIGQUIT", SIGQUIT},   Name{"SIGILL", SIGILL},
    Name{"SIGTRAP", SIGTRAP},     Name{"SIGABRT", SIGABRT}, Name{"SIGBUS", SIGBUS},     Name{"SIGFPE", SIGFPE},
    Name{"SIGKILL", SIGKILL},     Name{"SIGUSR1", SIGUSR1}, Name{"SIGSEGV", SIGSEGV},   Name{"SIGUSR2", SIGUSR2},
    Name{"SIGPIPE", SIGPIPE},     Name{"SIGALRM", SIGALRM}, Name{"SIGTERM", SIGTERM},   Name{"SIGCHLD", SIGCHLD},
    Name{"SIGCONT", SIGCONT},     Name{"SIGSTOP", SIGSTOP}, Name{"SIGTSTP", SIGTSTP},   Name{"SIGTTIN", SIGTTIN},
    Name{"SIGTTOU", SIGTTOU},     Name{"SIGURG", SIGURG},   Name{"SIGXCPU", SIGXCPU},   Name{"SIGXFSZ", SIGXFSZ},
    Name{"SIGVTALRM", SIGVTALRM}, Name{"SIGPROF", SIGPROF}, Name{"SIGWINCH", SIGWINCH}, Name{"SIGIO", SIGIO},
    Name{"SIGPWR", SIGPWR},       Name{"SIGSYS", SIGSYS},
#ifdef SIGSTKFLT
    Name{"SIGSTKFLT", SIGSTKFLT},
#endif
};

int exact(std::string_view name) {
  const auto found = std::ranges::find(names, name, &Name::text);
  return found == names.end() ? 0 : found->number;
}

}  // namespace

int signal_number(std::string_view name, bool lenient) {
  if (const int number = exact(name); number != 0 || !lenient) return number;
  int number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error == std::errc() && end == name.data() + name.size()) return number >= 1 && number < _NSIG ? number : 0;
  std::string upper(name);
  std::ranges::transform(upper, upper.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  if (!upper.starts_with("SIG")) upper.insert(0, "SIG");
  return exact(upper);
}

}  // namespace cobble::process
