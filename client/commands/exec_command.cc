#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>

#include "client/api/exec_session.h"
#include "client/commands/context.h"
#include "client/commands/owner_options.h"
#include "client/commands/signal_catcher.h"
#include "client/commands/table_of_commands.h"
#include "client/commands/terminal.h"

namespace cobble::client {
namespace {

constexpr Option exec_options[] = {
    {.short_name = 'w', .help = "Directory to run the command in", .takes = Takes::text, .refers_to = Refers::files},
    {.long_name = "env", .help = "Variable to set, as NAME=VALUE; may be repeated.", .takes = Takes::texts},
    uid_option,
    user_option,
    gid_option,
    group_option,
    {.long_name = "timeout", .help = "Kill the command after this time", .takes = Takes::duration},
    {.long_name = "context",
     .help = "Take environment, user and directory from this service",
     .takes = Takes::text,
     .refers_to = Refers::services},
    {.short_name = 't', .help = "Give the command a terminal (by default if stdout is one)."},
    {.short_name = 'T', .help = "Give the command no terminal."},
    {.short_name = 'i', .help = "Connect the command's input to the terminal (by default if stdin and stdout are one)."},
    {.short_name = 'I', .help = "Connect the command's input to a pipe."},
};
constexpr Positional exec_positionals[] = {{.name = "<command>", .refers_to = Refers::files},
                                           {.name = "<argument>", .required = false, .list = true, .refers_to = Refers::files}};

constexpr auto wait_margin = std::chrono::seconds(1);

/// A signal that is passed on to the command.
struct Forwarded {
  int number;
  const char* name;
};
constexpr Forwarded forwarded[] = {
    {SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"}, {SIGABRT, "SIGABRT"},
    {SIGTSTP, "SIGTSTP"}, {SIGTTIN, "SIGTTIN"}, {SIGTTOU, "SIGTTOU"}, {SIGUSR1, "SIGUSR1"},
    {SIGUSR2, "SIGUSR2"}, {SIGSEGV, "SIGSEGV"}, {SIGCONT, "SIGCONT"}, {SIGHUP, "SIGHUP"},
};

/// Those that are passed on, and the one that tells of a new size.
std::vector<int> caught() {
  std::vector<int> numbers = {SIGWINCH};
  for (const Forwarded& signal : forwarded) numbers.push_back(signal.number);
  return numbers;
}

/// Whether stdout and stderr are the same file.
bool same_output() {
  struct stat out{};
  struct stat err{};
  return fstat(STDOUT_FILENO, &out) == 0 && fstat(STDERR_FILENO, &err) == 0 && out.st_dev == err.st_dev &&
         out.st_ino == err.st_ino;
}

std::map<std::string, std::string> environment_of(const Arguments& arguments) {
  std::map<std::string, std::string> environment;
  if (const char* term = std::getenv("TERM"); term && *term != '\0') environment["TERM"] = term;
  for (const std::string& word : arguments.texts("env")) {
    const auto equals = word.find('=');
    environment[word.substr(0, equals)] = equals == std::string::npos ? std::string() : word.substr(equals + 1);
  }
  return environment;
}

Result<ExecRequest> request_of(const Arguments& arguments) {
  if (arguments.given("t") && arguments.given("T")) return fail("cannot use -t and -T at the same time");
  if (arguments.given("i") && arguments.given("I")) return fail("cannot use -i and -I at the same time");
  ExecRequest request;
  request.command = arguments.positionals();
  request.service_context = arguments.text("context");
  request.environment = environment_of(arguments);
  request.working_dir = arguments.text("w");
  request.timeout = arguments.duration("timeout");
  request.user = owner_of(arguments);
  request.terminal = arguments.given("t") || (!arguments.given("T") && is_terminal(STDOUT_FILENO));
  const bool both_terminals = is_terminal(STDIN_FILENO) && is_terminal(STDOUT_FILENO);
  // Without a terminal for the command, typing into it makes no sense unless it is asked for.
  request.interactive = arguments.given("i") || (!arguments.given("I") && !arguments.given("T") && both_terminals);
  if (const auto size = terminal_size(STDOUT_FILENO)) {
    request.width = size->columns;
    request.height = size->rows;
  }
  request.split_stderr = !same_output();
  return request;
}

/// Passes on the signals that have come; false after SIGHUP, which ends the client.
bool pass_on_signals(SignalCatcher& catcher, ExecSession& session, bool terminal) {
  while (const int number = catcher.next()) {
    if (number == SIGWINCH) {
      const auto size = terminal ? terminal_size(STDOUT_FILENO) : std::nullopt;
      if (size) session.send_size(size->columns, size->rows);
      continue;
    }
    for (const Forwarded& signal : forwarded) {
      if (signal.number == number) session.send_signal(signal.name);
    }
    if (number == SIGHUP) return false;
  }
  return true;
}

/// The exit status that the change ended with.
Result<int> outcome(Client& client, const std::string& change_id, Nanoseconds timeout) {
  const auto change = client.wait_change(change_id, timeout.count() == 0 ? timeout : timeout + wait_margin);
  if (!change) return wrap("cannot wait for command to finish: ", change.error());
  if (!change->err.empty()) return fail(change->err);
  if (change->tasks.empty()) return fail("expected exec change to contain at least one task");
  if (!change->tasks.front().exit_code) return fail("cannot get exit code: no entry for key \"exit-code\"");
  return static_cast<int>(*change->tasks.front().exit_code & 255);
}

Result<int> exec(Context& context, const Arguments& arguments) {
  const auto request = request_of(arguments);
  if (!request) return std::unexpected(request.error());
  Client& client = context.client();
  const auto started = client.exec(*request);
  if (!started) return std::unexpected(started.error());
  auto session = ExecSession::connect(client, *started, request->split_stderr);
  if (!session) {
    // The change says better why the command could not be started, if it has failed.
    const auto change = client.change(started->change_id);
    if (change && change->ready && !change->err.empty()) return fail(change->err);
    return std::unexpected(session.error());
  }
  std::optional<RawMode> raw;
  SignalCatcher catcher(caught());
  if (request->terminal && is_terminal(STDIN_FILENO)) raw.emplace(STDIN_FILENO);
  const bool whole = session->run({STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, catcher.fd()},
                                  [&] { return pass_on_signals(catcher, *session, request->terminal); });
  if (!whole) {
    context.note("SIGHUP received, exiting\r\n");
    return 0;
  }
  auto status = outcome(client, started->change_id, request->timeout);
  raw.reset();
  return status;
}

}  // namespace

const Command exec_command{
    .name = "exec",
    .summary = "Run a command on the server's system",
    .description =
        "The exec command runs another command in the server's system and connects its input and output with this terminal or "
        "these pipes. "
        "Signals are passed on. The exit status is that of the command.",
    .exit_status = "That of the command, 128 and the signal's number if a signal ended it; 1 also if it could not be run.",
    .category = Category::files,
    .options = exec_options,
    .positionals = exec_positionals,
    .run = exec,
    .first_word_ends_options = true,
};

}  // namespace cobble::client
