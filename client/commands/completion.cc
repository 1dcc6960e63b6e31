#include "client/commands/completion.h"

#include <algorithm>
#include <map>

#include "client/commands/table.h"

namespace cobble::client {
namespace {

using Offers = std::map<std::string, std::string_view>;

Offers offered_options(const Command& command, std::string_view word) {
  Offers offers;
  for (const Option& option : command.options) {
    if (option.hidden) continue;
    if (option.short_name != 0 && word == "-" && option.long_name.empty())
      offers[std::string("-") + option.short_name] = option.help;
    const std::string name = "--" + std::string(option.long_name);
    if (!option.long_name.empty() && name.starts_with(word)) offers[name] = option.help;
  }
  return offers;
}

}  // namespace

std::string complete(std::span<const Command* const> commands, std::span<const std::string> words, bool verbose) {
  Offers offers;
  const std::string word = words.empty() ? std::string() : words.back();
  if (words.size() <= 1) {
    for (const Command* command : commands) {
      if (!command->hidden && command->name.starts_with(word)) offers[std::string(command->name)] = command->summary;
    }
  } else if (word.starts_with('-')) {
    const auto command = std::ranges::find(commands, words.front(), &Command::name);
    if (command != commands.end()) offers = offered_options(**command, word);
  }
  std::size_t longest = 0;
  for (const auto& [name, summary] : offers) longest = std::max(longest, name.size());
  std::string text;
  for (const auto& [name, summary] : offers)
    text += (verbose ? padded(name, longest) + "  # " + std::string(summary) : name) + "\n";
  return text;
}

}  // namespace cobble::client
