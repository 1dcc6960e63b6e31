#include <unistd.h>

#include <cstdlib>
#include <ctime>

#include "client/commands/context.h"
#include "client/commands/dispatch.h"
#include "client/commands/help.h"
#include "client/commands/man_page.h"
#include "client/commands/names.h"
#include "client/commands/table_of_commands.h"
#include "client/commands/terminal.h"
#include "layers/quote.h"

namespace cobble::client {
namespace {

constexpr Option help_options[] = {
    {.long_name = "all", .help = "Show a line on every command."},
    {.long_name = "man", .help = "Print a manual page: of a command, of layers, or the main one.", .hidden = true},
};
constexpr Positional help_positionals[] = {{.name = "<command>", .required = false, .list = true, .refers_to = Refers::commands}};
constexpr Option version_options[] = {
    format_option, {.long_name = "client", .help = "Show only the version of this client, without asking the server."}};

std::int64_t page_date() {
  const char* epoch = std::getenv("SOURCE_DATE_EPOCH");
  return epoch && *epoch != '\0' ? std::strtoll(epoch, nullptr, 10) : std::time(nullptr);
}

/// The page of what `words` name; of the program where they name nothing.
Result<int> print_man_page(Context& context, const Names& words) {
  const Command* command = words.empty() ? nullptr : find_command(words.front());
  if (command) {
    context.print(command_man_page(*command, page_date()));
  } else if (!words.empty() && words.front() == layer_topic) {
    context.print(layer_man_page(page_date()));
  } else if (words.empty()) {
    context.print(man_page(all_commands(), page_date()));
  } else {
    return fail("no manual page for " + layers::quote(words.front()));
  }
  return 0;
}

Result<int> help(Context& context, const Arguments& arguments) {
  const Names& words = arguments.positionals();
  if (arguments.given("man")) return print_man_page(context, words);
  if (arguments.given("all")) {
    if (!words.empty()) return fail("help accepts a command, or '--all', but not both");
    context.print(long_help(all_commands()));
    return 0;
  }
  if (words.empty()) {
    context.print(short_help(all_commands()));
    return 0;
  }
  const Command* command = find_command(words.front());
  if (!command || words.size() > 1) {
    const std::string place = command ? "help " + words.front() : "help";
    return fail("unknown command " + layers::quote(words[command ? 1 : 0]) + ", see '" + std::string(program_name) + " " + place +
                "'");
  }
  context.print(command_help(*command, columns_of(STDIN_FILENO)));
  return 0;
}

Result<int> version(Context& context, const Arguments& arguments) {
  if (arguments.given("client")) {
    if (!context.print_formatted(arguments, Value::Fields{{"client", client_version}}))
      context.print(std::string(client_version) + "\n");
    return 0;
  }
  const auto server = context.client().server_version();
  Value::Fields fields = {{"client", client_version}};
  if (server) fields.emplace_back("server", *server);
  if (context.print_formatted(arguments, Value(std::move(fields)))) {
    if (!server) return wrap("cannot obtain system details: ", server.error());
    return 0;
  }
  context.print("client  " + std::string(client_version) + "\nserver  " + server.value_or("-") + "\n");
  return 0;
}

Result<int> debug(Context&, const Arguments&) {
  return 0;
}

}  // namespace

const Command help_command{
    .name = "help",
    .summary = "Show help about a command",
    .description = "The help command shows what the commands are, or how to use one of them.",
    .category = Category::info,
    .options = help_options,
    .positionals = help_positionals,
    .run = help,
};

const Command version_command{
    .name = "version",
    .summary = "Show version details",
    .description = "The version command shows the versions of this client and of the server that it talks to.",
    .category = Category::info,
    .options = version_options,
    .run = version,
};

const Command debug_command{
    .name = "debug",
    .summary = "Run debug commands",
    .description = "The debug command has no subcommands in this version.",
    .run = debug,
    .extra = Extra::ignored,
    .hidden = true,
};

}  // namespace cobble::client
