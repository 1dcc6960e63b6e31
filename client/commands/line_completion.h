#pragma once

#include <span>
#include <string>
#include <vector>

#include "client/commands/command.h"

namespace cobble::client {

/// The shells for which there is a completion script.
inline constexpr std::string_view shells[] = {"bash", "zsh", "fish"};

/// A word that the last one of a line could become.
struct Candidate {
  std::string word;
  std::string help;  ///< may be empty
};

/// What can stand at the end of a line: words of the table, and names that have to be looked up.
struct LineCompletion {
  std::vector<Candidate> words;
  Refers names = Refers::nothing;  ///< files, or names that the server knows
  std::string prefix;              ///< stands before each of these names: `--context=`
};

/// Looks at the words behind the program's name, of which the last one, maybe empty, is to be completed. The words offered all
/// begin with it. Pure.
LineCompletion complete_line(std::span<const Command* const> commands, std::span<const std::string> words);

}  // namespace cobble::client
