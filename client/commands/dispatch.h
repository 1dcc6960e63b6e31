#pragma once

#include <span>
#include <string>

#include "client/commands/context.h"
#include "client/commands/parser.h"

namespace cobble::client {

/// Finds the command that `words` begin with and parses the rest. Fails with `unknown command "foo", see 'pebble help'`.
struct Dispatched {
  const Command* command = nullptr;
  Parsed parsed = {};
};
Result<Dispatched> dispatch(std::span<const std::string> words);

/// Does what was asked for: the command's work, its help, or the version. Prints errors and the hint at new warnings; the exit
/// status.
int carry_out(Context& context, const Dispatched& dispatched);

/// Prints an error as contract 10, section 2.8 says; the exit status that goes with it.
int show_error(Context& context, const Error& error);

}  // namespace cobble::client
