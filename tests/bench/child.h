#pragma once

#include <sys/types.h>

#include "tests/bench/yardstick.h"

namespace cobble::bench {

/// Starts the command that begins at `first` with vfork, the cheapest way there is; `output`: its stdout, -1: ours.
pid_t start(const Arguments& arguments, std::size_t first, int output);
/// Waits for its end.
void await(pid_t pid);

}  // namespace cobble::bench
