#include "client/commands/help.h"

#include <algorithm>

#include "client/commands/names.h"
#include "client/commands/table.h"
#include "client/commands/wrap.h"

namespace cobble::client {
namespace {

/// A heading of the overview.
struct Heading {
  Category category;
  std::string_view label;
  std::string_view description;
};

constexpr Heading headings[] = {
    {Category::run, "Run", "run the service manager"},
    {Category::info, "Info", "help and version information"},
    {Category::plan, "Plan", "view and change configuration"},
    {Category::services, "Services", "manage services"},
    {Category::checks, "Checks", "manage health checks"},
    {Category::files, "Files", "work with files and execute commands"},
    {Category::changes, "Changes", "manage changes and their tasks"},
    {Category::notices, "Notices", "manage notices and warnings"},
    {Category::identities, "Identities", "manage user identities"},
    {Category::more, "More", "watch, validate and complete"},
};

std::string head() {
  return std::string(display_name) +
         " keeps the services of a container or machine running, watches over\n"
         "their health, and gives access to the files and commands of the system.\n\n"
         "Usage: " +
         std::string(program_name) + " <command> [<options>...]\n\n";
}

std::string tail(bool with_all) {
  std::string text = "\nSet the PEBBLE environment variable to work with another directory than\n" +
                     std::string(default_directory) +
                     ", or PEBBLE_SOCKET to name the path of the server's\nsocket (by default .pebble.socket in that directory). "
                     "For a server that is\n"
                     "reached over the network set PEBBLE_BASEURL, see '" +
                     std::string(program_name) +
                     " pair --help'.\n\n"
                     "For the options of a command, run '" +
                     std::string(program_name) + " help <command>'.\n";
  if (with_all) text += "For a line on every command, run '" + std::string(program_name) + " help --all'.\n";
  return text;
}

/// `--format=[text|json]`, or `-m=`.
std::string option_words(const Option& option, bool with_shorts) {
  std::string words(6, ' ');
  if (option.short_name != 0) words += std::string("-") + option.short_name;
  if (option.short_name != 0 && !option.long_name.empty()) words += ", ";
  if (option.short_name == 0 && with_shorts) words += "    ";
  if (!option.long_name.empty()) words += "--" + std::string(option.long_name);
  if (option.takes != Takes::nothing) words += "=";
  if (option.choices.empty()) return words;
  for (const std::string_view choice : option.choices)
    words += (choice == option.choices.front() ? "[" : "|") + std::string(choice);
  return words + "]";
}

std::size_t choices_length(const Option& option) {
  std::size_t length = option.choices.empty() ? 0 : option.choices.size() + 1;
  for (const std::string_view choice : option.choices) length += choice.size();
  return length;
}

/// The column in which the texts of options begin.
std::size_t help_column(const Command& command, bool with_shorts) {
  std::size_t longest = 0;
  for (const Option& option : command.options) {
    if (!option.hidden) longest = std::max(longest, option.long_name.size() + 4 + choices_length(option));
  }
  for (const Positional& positional : command.positionals) longest = std::max(longest, positional.name.size() + 4);
  return 8 + (with_shorts ? 2 : 0) + longest;
}

/// `words` up to the column, then the text beside it.
std::string described(const std::string& words, const std::string& text, std::size_t column, std::size_t width) {
  std::string block = padded(words, column);
  if (width_of(words) >= column) block += ' ';
  bool first = true;
  for (const std::string& line : wrap_greedily(text, std::max<std::size_t>(10, width > column ? width - column : 0))) {
    if (!first) block += "\n" + std::string(line.empty() ? 0 : column, ' ');
    block += line;
    first = false;
  }
  return block + "\n";
}

}  // namespace

std::string short_help(std::span<const Command* const> commands) {
  std::string text = head() + "The commands, by what they are about:\n\n";
  for (const Heading& heading : headings) {
    std::string names;
    for (const Command* command : commands) {
      if (command->category == heading.category) names += (names.empty() ? "" : ", ") + std::string(command->name);
    }
    if (heading.category == Category::identities) names = "identities --help";
    text += std::string(12 - heading.label.size(), ' ') + std::string(heading.label) + ": " + names + "\n";
  }
  return text + tail(true);
}

std::string long_help(std::span<const Command* const> commands) {
  std::size_t longest = 0;
  for (const Command* command : commands)
    longest = std::max(longest, command->category == Category::none ? 0 : command->name.size());
  std::string text = head() + "The commands, by what they are about:\n";
  for (const Heading& heading : headings) {
    text += "\n  " + std::string(heading.label) + " (" + std::string(heading.description) + "):\n";
    for (const Command* command : commands) {
      if (command->category == heading.category)
        text += "    " + padded(command->name, longest + 2) + std::string(command->summary) + "\n";
    }
  }
  return text + tail(false);
}

std::string usage_line(const Command& command) {
  std::string text = std::string(program_name) + " " + std::string(command.name);
  if (command.has_visible_options()) text += " [" + std::string(command.name) + "-OPTIONS]";
  for (const Positional& positional : command.positionals) {
    const std::string word = std::string(positional.name) + (positional.list ? "..." : "");
    text += positional.required ? " " + word : " [" + word + "]";
  }
  return text;
}

std::string command_help(const Command& command, std::size_t width) {
  std::string text = "Usage:\n  " + usage_line(command) + "\n\n";
  for (const std::string& line : wrap_greedily(command.description, width)) text += line + "\n";
  const bool with_shorts =
      std::ranges::any_of(command.options, [](const Option& option) { return option.short_name != 0 && !option.hidden; });
  const std::size_t column = help_column(command, with_shorts);
  if (command.has_visible_options()) text += "\n[" + std::string(command.name) + " command options]\n";
  for (const Option& option : command.options) {
    if (option.hidden) continue;
    std::string help(option.help);
    if (!option.default_value.empty()) help += " (default: " + std::string(option.default_value) + ")";
    text += described(option_words(option, with_shorts), help, column, width);
  }
  const bool explained =
      std::ranges::any_of(command.positionals, [](const Positional& positional) { return !positional.help.empty(); });
  if (explained) text += "\n[" + std::string(command.name) + " command arguments]\n";
  for (const Positional& positional : command.positionals) {
    if (!positional.help.empty())
      text += described("  " + std::string(positional.name) + ":", std::string(positional.help), column, width);
  }
  return text;
}

}  // namespace cobble::client
