#pragma once

#include "client/commands/context.h"

namespace cobble::client {

/// Waits for the end of a change, showing what it does; with `--no-wait` prints its ID instead (contract 10, section 2.11). The
/// first Ctrl-C asks the server to abort the change, the second one ends the client (130).
Result<int> wait_or_print(Context& context, const Arguments& arguments, const Result<std::string>& change_id);

/// `Pebble is about to reboot the system`.
std::string reboot_text();

}  // namespace cobble::client
