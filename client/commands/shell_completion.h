#pragma once

#include <span>
#include <string>
#include <string_view>

#include "client/commands/command.h"

namespace cobble::client {

/// The shells for which there is a completion script.
inline constexpr std::string_view shells[] = {"bash", "zsh", "fish"};

/// The completion script for one of the `shells`, made from the table of commands. Names of services and checks are asked of the
/// server, if its socket is there. Pure.
std::string shell_completion(std::string_view shell, std::span<const Command* const> commands);

}  // namespace cobble::client
