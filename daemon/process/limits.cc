#include "daemon/process/limits.h"

#include <signal.h>

namespace cobble::process {

namespace {

std::optional<rlimit> files_at_start;
bool sighup_ignored = false;

/// Much more than this costs those who close all descriptors one by one.
constexpr rlim_t most_files = 1024 * 1024;

}  // namespace

void raise_limits() {
  struct sigaction action{};
  sighup_ignored = ::sigaction(SIGHUP, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > most_files ? most_files : limit.rlim_max;
  if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= wanted) return;
  rlimit raised = limit;
  raised.rlim_cur = wanted;
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) files_at_start = limit;
}

std::optional<rlimit> files_limit_at_start() {
  return files_at_start;
}

bool sighup_ignored_at_start() {
  return sighup_ignored;
}

}  // namespace cobble::process
