#pragma once

#include "daemon/lifecycle/options.h"

namespace cobble {

/// Runs the daemon until it has been told to end (contract 09): builds the managers, wires them, starts and stops them in order. The process's only
/// daemon. Returns the exit code (contract 09, section 2.6); what keeps it from starting is written to stderr as `cannot run daemon: …`.
int run_daemon(const lifecycle::Options& options);

}  // namespace cobble
