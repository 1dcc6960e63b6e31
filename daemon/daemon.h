#pragma once

#include <functional>

#include "daemon/lifecycle/options.h"

namespace cobble {

/// Runs the daemon until it has been told to end (contract 09): builds the managers, wires them, starts and stops them in order.
/// The process's only daemon. Ends the process with the exit code of contract 09 section 2.6; what keeps it from starting is
/// written to stderr as `cannot run daemon: …`.
[[noreturn]] void run_daemon(const lifecycle::Options& options);

/// The same for `pebble enter SUBCOMMAND`: once the daemon serves, and the default services have been started unless held, the
/// subcommand runs on a thread of its own. Its exit status ends the daemon and is the exit code, unless it is 0 and the daemon
/// `stays`.
[[noreturn]] void run_daemon_around(const lifecycle::Options& options, std::function<int()> subcommand, bool stays);

/// `--dry-run`: looks for what would keep a daemon with these options from running, starts nothing and writes no file. Tells of
/// every problem on stderr as `cannot run daemon: …`; 0 when there is none, else 1.
int report_problems(const lifecycle::Options& options);

}  // namespace cobble
