#pragma once

#include <span>
#include <string>

#include "client/commands/command.h"

/// Help made from the table of commands (contract 10, section 2.6). Pure.
namespace cobble::client {

/// The overview by categories that `pebble`, `pebble help` and `pebble -h` print.
std::string short_help(std::span<const Command* const> commands);
/// Every command with its summary, for `pebble help --all`.
std::string long_help(std::span<const Command* const> commands);
/// Usage, description and options of one command, wrapped to `width` columns.
std::string command_help(const Command& command, std::size_t width);
/// The usage line of a command: `pebble start [start-OPTIONS] <service>...`.
std::string usage_line(const Command& command);

}  // namespace cobble::client
