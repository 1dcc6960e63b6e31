#pragma once

#include <span>
#include <string>

#include "client/commands/command.h"

namespace cobble::client {

/// What the words of a command line ask for.
struct Parsed {
  enum class Act {
    run,           ///< the command
    show_help,     ///< of the command
    show_version,  ///< of the client
  };
  Act act = Act::run;
  Arguments arguments = {};
};

/// Parses the words after a command's name by the rules of contract 10, section 2.3. The first fault from left to right counts;
/// its text is one of section 2.4.
Result<Parsed> parse_words(const Command& command, std::span<const std::string> words);

/// Whether a word is an option: `-x…` or `--x…`, but not `-` or `---x`.
bool looks_like_option(std::string_view word);

/// ``unknown flag `foo'``.
std::string unknown_flag_text(std::string_view name);

}  // namespace cobble::client
