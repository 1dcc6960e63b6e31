#include "client/commands/line_completion.h"

#include <algorithm>

#include "client/commands/parser.h"

namespace cobble::client {
namespace {

/// Signals that services are likely to know.
constexpr std::string_view signals[] = {"HUP", "INT", "QUIT", "KILL", "USR1", "USR2", "TERM", "CONT", "STOP", "WINCH"};

/// Collects what begins with the word to complete.
class Offer {
 public:
  explicit Offer(std::string word) : word_(std::move(word)) {}

  void add(std::string candidate, std::string_view help = {}) {
    if (candidate.starts_with(word_)) result_.words.push_back({std::move(candidate), std::string(help)});
  }

  /// What stands for such a thing, behind `prefix`.
  void add_all(std::span<const Command* const> commands, Refers refers_to, const std::string& prefix = {}) {
    switch (refers_to) {
      case Refers::nothing:
        return;
      case Refers::commands:
        for (const Command* command : commands)
          if (!command->hidden) add(prefix + std::string(command->name), command->summary);
        return;
      case Refers::shells:
        for (const std::string_view shell : shells) add(prefix + std::string(shell));
        return;
      case Refers::signals:
        for (const std::string_view signal : signals) add(prefix + std::string(signal));
        return;
      case Refers::files:
      case Refers::services:
      case Refers::checks:
      case Refers::identities:
      case Refers::changes:
        result_.names = refers_to;
        result_.prefix = prefix;
    }
  }

  void add_value(std::span<const Command* const> commands, const Option& option, const std::string& prefix = {}) {
    for (const std::string_view choice : option.choices) add(prefix + std::string(choice));
    add_all(commands, option.refers_to, prefix);
  }

  void add_options(const Command& command) {
    for (const Option& option : command.options) {
      if (option.hidden) continue;
      if (!option.long_name.empty()) {
        add("--" + std::string(option.long_name), option.help);
      } else {
        add(std::string("-") + option.short_name, option.help);
      }
    }
    add("--help", "Show what the command does and takes.");
  }

  LineCompletion take() && { return std::move(result_); }

 private:
  std::string word_;
  LineCompletion result_;
};

/// The option that a word of a line is, if it is one of the command: `--name`, `--name=value`, `-n`, or a bundle that ends in it.
const Option* option_of(const Command& command, const std::string& word) {
  if (word.starts_with("--")) return command.find(std::string_view(word).substr(2, word.find('=') - 2));
  return word.find('=') == std::string::npos ? command.find(word.back()) : nullptr;
}

/// What has been found out about the words before the last one.
struct Before {
  const Option* value_of = nullptr;  ///< the last word is this option's value
  bool options_ended = false;
  std::size_t positionals = 0;
  std::size_t first_positional = 0;  ///< where it stands
};

Before look_back(const Command& command, std::span<const std::string> words) {
  Before before;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (before.value_of) {
      before.value_of = nullptr;
    } else if (!before.options_ended && word == "--") {
      before.options_ended = true;
    } else if (!before.options_ended && looks_like_option(word)) {
      const Option* option = option_of(command, word);
      if (option && option->takes != Takes::nothing && word.find('=') == std::string::npos) before.value_of = option;
    } else {
      if (before.positionals++ == 0) before.first_positional = i;
      before.options_ended = before.options_ended || command.first_word_ends_options;
    }
  }
  return before;
}

}  // namespace

LineCompletion complete_line(std::span<const Command* const> commands, std::span<const std::string> words) {
  const std::string word = words.empty() ? std::string() : words.back();
  Offer offer(word);
  if (words.size() <= 1) {
    offer.add_all(commands, Refers::commands);
    return std::move(offer).take();
  }
  const auto found = std::ranges::find(commands, words.front(), &Command::name);
  if (found == commands.end()) return {};
  const Command& command = **found;
  const auto rest = words.subspan(1);
  const Before before = look_back(command, rest);
  if (before.value_of) {
    offer.add_value(commands, *before.value_of);
    return std::move(offer).take();
  }
  if (!before.options_ended && word.starts_with("--") && word.find('=') != std::string::npos) {
    const Option* option = option_of(command, word);
    if (option && option->takes != Takes::nothing) offer.add_value(commands, *option, word.substr(0, word.find('=') + 1));
    return std::move(offer).take();
  }
  if (!before.options_ended && word.starts_with('-')) {
    offer.add_options(command);
    return std::move(offer).take();
  }
  if (command.positionals.empty()) return {};
  const bool in_list = before.positionals >= command.positionals.size();
  const Positional& positional = command.positionals[in_list ? command.positionals.size() - 1 : before.positionals];
  if (in_list && !positional.list) return {};
  // A subcommand is a line of its own.
  if (command.first_word_ends_options && positional.refers_to == Refers::commands && before.positionals > 0)
    return complete_line(commands, rest.subspan(before.first_positional));
  offer.add_all(commands, positional.refers_to);
  return std::move(offer).take();
}

}  // namespace cobble::client
