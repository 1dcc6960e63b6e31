#pragma once

#include <span>
#include <string>

#include "client/commands/command.h"

namespace cobble::client {

/// What the last of `words` could become: commands, or options of the command, one a line and sorted; with `verbose` each
/// with its summary (contract 10, section 2.6). Pure.
std::string complete(std::span<const Command* const> commands, std::span<const std::string> words, bool verbose);

}  // namespace cobble::client
