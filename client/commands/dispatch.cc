#include "client/commands/dispatch.h"

#include <unistd.h>

#include "client/commands/help.h"
#include "client/commands/names.h"
#include "client/commands/table_of_commands.h"
#include "client/commands/terminal.h"
#include "client/commands/wait.h"
#include "client/commands/wrap.h"
#include "layers/quote.h"

namespace cobble::client {
namespace {

/// After a command that succeeded: a line if the server has a warning that was not listed yet.
void hint_at_warnings(Context& context) {
  const auto& newest = context.client().latest_warning();
  if (!newest) return;
  const auto seen = context.seen();
  if (!seen) context.note("WARNING: " + seen.error().message + "\n");
  const Time listed = seen ? seen->warnings_last_listed : Time::zero();
  if (listed.before(*newest))
    context.note("WARNING: There are new warnings. See '" + std::string(program_name) + " warnings'.\n");
}

int do_work(Context& context, const Dispatched& dispatched) {
  const Result<int> status = dispatched.command->run(context, dispatched.parsed.arguments);
  if (!status) return show_error(context, status.error());
  if (context.write_error() != 0) {
    return show_error(context,
                      Error{Error::Source::local, "cannot write output: " + system_error_text(context.write_error()), {}});
  }
  if (*status == 0) hint_at_warnings(context);
  return *status;
}

}  // namespace

Result<Dispatched> dispatch(std::span<const std::string> words) {
  const std::string name = words.empty() ? std::string() : words.front();
  const Command* command = find_command(name);
  if (!command) {
    std::string text = "unknown command " + layers::quote(name) + ", see '" + std::string(program_name) + " help'";
    if (const auto nearest = nearest_command(name); !nearest.empty()) text += "\n(did you mean " + layers::quote(nearest) + "?)";
    return fail(std::move(text));
  }
  auto parsed = parse_words(*command, words.subspan(1));
  if (!parsed) return std::unexpected(parsed.error());
  return Dispatched{command, std::move(*parsed)};
}

int carry_out(Context& context, const Dispatched& dispatched) {
  switch (dispatched.parsed.act) {
    case Parsed::Act::show_help:
      context.print(command_help(*dispatched.command, columns_of(STDIN_FILENO)));
      return 0;
    case Parsed::Act::show_version:
      context.print(std::string(client_version) + "\n");
      return 0;
    case Parsed::Act::run:
      break;
  }
  return do_work(context, dispatched);
}

int show_error(Context& context, const Error& error) {
  if (error.source != Error::Source::server) {
    context.note("error: " + error.message + "\n");
    return 1;
  }
  if (error.kind == "system-restart") {
    context.note(reboot_text() + "\n");
    return 0;
  }
  std::string message = error.kind == "no-default-services" ? "no default services" : error.message;
  if (error.kind == "login-required" && geteuid() != 0) message += " (try with sudo)";
  context.note("error: " + reflow(message, message_columns()) + "\n");
  return 1;
}

}  // namespace cobble::client
