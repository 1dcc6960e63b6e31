#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "client/commands/command.h"

/// Manual pages in roff (man(7) macros), made from the table of commands and the layer's tables of keys. Pure. `date` is in
/// seconds since 1970.
namespace cobble::client {

/// `pebble(8)`: what there is, with a line on each command.
std::string man_page(std::span<const Command* const> commands, std::int64_t date);

/// `pebble-COMMAND(8)`: one command in full.
std::string command_man_page(const Command& command, std::int64_t date);

/// The name by which `help --man` knows the page of the layer format.
inline constexpr std::string_view layer_topic = "layer";

/// `pebble-layer(5)`: the format of layers.
std::string layer_man_page(std::int64_t date);

}  // namespace cobble::client
