#include "client/commands/main.h"

#include <fcntl.h>
#include <unistd.h>

#include "client/api/descriptor.h"
#include "client/commands/completion.h"
#include "client/commands/dispatch.h"
#include "client/commands/environment.h"
#include "client/commands/help.h"
#include "client/commands/names.h"
#include "client/commands/table_of_commands.h"
#include "client/commands/terminal.h"

namespace cobble::client {
namespace {

/// Opens what is closed of stdin, stdout and stderr, so that no socket can take their place.
void fill_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (fcntl(fd, F_GETFD) < 0) static_cast<void>(open("/dev/null", O_RDWR));
  }
}

int say(int fd, const std::string& text, int status) {
  static_cast<void>(write_all(fd, text));
  return status;
}

int refuse(const std::string& message) {
  return say(STDERR_FILENO, "error: " + message + "\n", 1);
}

/// Help and version are the only options before a command; nullopt if the first word is none.
std::optional<int> without_command(std::span<const std::string> args) {
  if (args.empty()) return say(STDOUT_FILENO, short_help(all_commands()), 0);
  const std::string& first = args.front();
  if (!looks_like_option(first)) return std::nullopt;
  if (first == "--help" || first.starts_with("-h")) return say(STDOUT_FILENO, short_help(all_commands()), 0);
  if (first == "--version") return say(STDOUT_FILENO, std::string(client_version) + "\n", 0);
  const std::size_t dashes = first[1] == '-' ? 2 : 1;
  return refuse(unknown_flag_text(dashes == 1 ? first.substr(1, 1) : first.substr(2, first.find('=') - 2)));
}

}  // namespace

int run_command_line(std::span<const std::string> args, const DaemonEntry& daemon) {
  fill_standard_descriptors();
  if (const std::string style = variable("GO_FLAGS_COMPLETION"); !style.empty()) {
    return say(STDOUT_FILENO, complete(all_commands(), args, style == "verbose"), 0);
  }
  if (const auto status = without_command(args)) return *status;
  auto dispatched = dispatch(args);
  if (!dispatched) return refuse(dispatched.error().message);

  auto endpoint = endpoint_from_environment();
  if (!endpoint) return refuse(endpoint.error().message);
  Context context(std::move(*endpoint), pebble_directory(), daemon);
  if (is_terminal(STDERR_FILENO)) {
    context.client().set_on_waiting([&](const std::string& cause) { context.note("Waiting for the server: " + cause + "\n"); });
  }
  return carry_out(context, *dispatched);
}

}  // namespace cobble::client
