#include "daemon/process/limits.h"

#include <optional>

namespace cobble::process {

namespace {

std::optional<rlim_t> files_at_start;

/// Much more than this costs those who close all descriptors one by one.
constexpr rlim_t most_files = 1024 * 1024;

}  // namespace

void raise_limits() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > most_files ? most_files : limit.rlim_max;
  if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= wanted) return;
  rlimit raised = limit;
  raised.rlim_cur = wanted;
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) files_at_start = limit.rlim_cur;
}

rlim_t child_files_limit() {
  if (files_at_start) return *files_at_start;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace cobble::process
