#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "client/commands/command.h"

namespace cobble::client {

/// The manual page of section 8, made from the table of commands. `date` in seconds since 1970. Pure.
std::string man_page(std::span<const Command* const> commands, std::int64_t date);

}  // namespace cobble::client
