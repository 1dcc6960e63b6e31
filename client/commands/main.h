#pragma once

#include <span>
#include <string>

#include "client/commands/run_options.h"

namespace cobble::client {

/// The whole command line (contract 10). `args` are the words after the program's name. Returns the exit status; messages are on
/// stdout and stderr by then. `run` and `enter` go to `daemon`.
int run_command_line(std::span<const std::string> args, const DaemonEntry& daemon);

}  // namespace cobble::client
