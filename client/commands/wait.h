#pragma once

#include "client/commands/context.h"

namespace cobble::client {

/// Asks for an action on services (all that it concerns, without names) and waits for the end of its change, showing what it
/// does; with `--no-wait` prints the change's ID instead (contract 10, section 2.11). The first Ctrl-C asks the server to abort
/// the change, the second one ends the client (130).
Result<int> change_services(Context& context, const Arguments& arguments, const std::string& action,
                            const std::optional<Names>& names);

/// `Pebble is about to reboot the system`.
std::string reboot_text();

}  // namespace cobble::client
