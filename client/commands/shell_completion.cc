#include "client/commands/shell_completion.h"

#include <algorithm>

#include "client/commands/context.h"
#include "client/commands/names.h"
#include "client/commands/table_of_commands.h"
#include "layers/quote.h"

namespace cobble::client {
namespace {

constexpr Positional completion_positionals[] = {{.name = "<shell>"}};

/// The names of the commands that take such words, apart by `between`.
std::string commands_taking(std::span<const Command* const> commands, std::string_view word, std::string_view between) {
  std::string names;
  for (const Command* command : commands) {
    if (command->hidden || std::ranges::find(command->positionals, word, &Positional::name) == command->positionals.end())
      continue;
    names += (names.empty() ? "" : std::string(between)) + std::string(command->name);
  }
  return names;
}

/// Functions for bash and zsh that print what the words could become.
std::string posix_functions(std::span<const Command* const> commands) {
  const std::string program(program_name);
  return "_" + program + "_names() {\n" + "  local socket=\"${PEBBLE_SOCKET:-${PEBBLE:-" + std::string(default_directory) +
         "}/.pebble.socket}\"\n" + "  [ -S \"$socket\" ] && " + program + " \"$1\" 2>/dev/null | sed -e 1d -e 's/ .*//'\n}\n" +
         "_" + program + "_words() {\n  GO_FLAGS_COMPLETION=1 " + program + " \"$@\"\n" + "  case \"$1\" in\n" + "    " +
         commands_taking(commands, "<service>", "|") + ") [ $# -gt 1 ] && _" + program + "_names services ;;\n" + "    " +
         commands_taking(commands, "<check>", "|") + ") [ $# -gt 1 ] && _" + program + "_names checks ;;\n" + "  esac\n}\n";
}

std::string bash_script(std::span<const Command* const> commands) {
  const std::string program(program_name);
  return "# Completion of " + program + " for bash.\n" + posix_functions(commands) + "_" + program +
         "() {\n  local IFS=$'\\n'\n" + "  COMPREPLY=($(compgen -W \"$(_" + program +
         "_words \"${COMP_WORDS[@]:1:COMP_CWORD}\")\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\n" + "complete -o default -F _" +
         program + " " + program + "\n";
}

std::string zsh_script(std::span<const Command* const> commands) {
  const std::string program(program_name);
  return "#compdef " + program + "\n# Completion of " + program + " for zsh.\n" + posix_functions(commands) + "_" + program +
         "() {\n  local -a words_found\n  words_found=(${(f)\"$(_" + program + "_words \"${(@)words[2,CURRENT]}\")\"})\n" +
         "  compadd -a words_found || _files\n}\ncompdef _" + program + " " + program + "\n";
}

/// A text in single quotes for fish.
std::string fish_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c == '\n' ? ' ' : c;
  }
  return quoted + "'";
}

std::string fish_script(std::span<const Command* const> commands) {
  const std::string program(program_name);
  const std::string begin = "complete -c " + program + " ";
  std::string text = "# Completion of " + program + " for fish.\nfunction __" + program +
                     "_names\n  set -q PEBBLE; or set -l PEBBLE " + std::string(default_directory) +
                     "\n  set -q PEBBLE_SOCKET; or set -l PEBBLE_SOCKET $PEBBLE/.pebble.socket\n" +
                     "  test -S $PEBBLE_SOCKET; and " + program + " $argv[1] 2>/dev/null | sed -e 1d -e 's/ .*//'\nend\n";
  for (const Command* command : commands) {
    if (command->hidden) continue;
    const std::string name(command->name);
    text += begin + "-n __fish_use_subcommand -f -a " + name + " -d " + fish_quoted(command->summary) + "\n";
    const std::string after = begin + "-n '__fish_seen_subcommand_from " + name + "' ";
    for (const Option& option : command->options) {
      if (option.hidden) continue;
      text += after;
      if (option.short_name != 0) text += std::string("-s ") + option.short_name + " ";
      if (!option.long_name.empty()) text += "-l " + std::string(option.long_name) + " ";
      if (option.takes != Takes::nothing) text += "-r ";
      std::string choices;
      for (const std::string_view choice : option.choices) choices += (choices.empty() ? "" : " ") + std::string(choice);
      if (!choices.empty()) text += "-f -a '" + choices + "' ";
      text += "-d " + fish_quoted(option.help) + "\n";
    }
  }
  for (const auto& [word, list] : {std::pair("<service>", "services"), std::pair("<check>", "checks")}) {
    text += begin + "-f -n '__fish_seen_subcommand_from " + commands_taking(commands, word, " ") + "' -a '(__" + program +
            "_names " + list + ")'\n";
  }
  return text;
}

Result<int> completion(Context& context, const Arguments& arguments) {
  const std::string shell = arguments.positional(0);
  if (std::ranges::find(shells, shell) == std::end(shells))
    return fail("no completion for shell " + layers::quote(shell) + ": try bash, zsh or fish");
  context.print(shell_completion(shell, all_commands()));
  return 0;
}

}  // namespace

std::string shell_completion(std::string_view shell, std::span<const Command* const> commands) {
  if (shell == "zsh") return zsh_script(commands);
  return shell == "fish" ? fish_script(commands) : bash_script(commands);
}

const Command completion_command{
    .name = "completion",
    .summary = "Print a completion script for a shell",
    .description =
        "The completion command prints a script that teaches bash, zsh or fish the commands and options, and the names of "
        "services and checks. For "
        "bash: source <(pebble completion bash)",
    .positionals = completion_positionals,
    .run = completion,
};

}  // namespace cobble::client
