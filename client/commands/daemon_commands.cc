#include "client/commands/context.h"
#include "client/commands/dispatch.h"
#include "client/commands/environment.h"
#include "client/commands/names.h"
#include "client/commands/table_of_commands.h"
#include "layers/duration.h"
#include "layers/quote.h"

namespace cobble::client {
namespace {

constexpr Option create_dirs_option{.long_name = "create-dirs",
                                    .help = "Make the directory, and those above it, if it does not exist."};
constexpr Option hold_option{.long_name = "hold", .help = "Do not start the services that start by default."};
constexpr Option http_option{
    .long_name = "http",
    .help =
        "Serve the HTTP API also at this address, given as \"<address>:port\": for example \":4000\", \"192.0.2.0:4000\", "
        "\"[2001:db8::1]:4000\"",
    .takes = Takes::text};
constexpr Option https_option{
    .long_name = "https", .help = "Serve the HTTPS API at this address, given in the same form", .takes = Takes::text};
constexpr Option verbose_option{
    .short_name = 'v', .long_name = "verbose", .help = "Copy what services write to stdout (also PEBBLE_VERBOSE=1)."};
constexpr Option args_option{
    .long_name = "args",
    .help =
        "Words for the optional arguments of a service: its name, then the words up to a lone ';' or the end. May be repeated.",
    .takes = Takes::words};
constexpr Option identities_option{.long_name = "identities",
                                   .help = "Seed identities from this file (like update-identities --replace)",
                                   .takes = Takes::text,
                                   .refers_to = Refers::files};
constexpr Option stop_timeout_option{.long_name = "stop-timeout",
                                     .help =
                                         "At the end, services have this long all in all before what is left is killed, 25s "
                                         "unless given (also PEBBLE_STOP_TIMEOUT)",
                                     .takes = Takes::duration};
constexpr Option dry_run_option{
    .long_name = "dry-run",
    .help = "Check options, layers, identities and state, tell of all problems, and start and write nothing."};
constexpr Option run_options[] = {create_dirs_option, hold_option,       http_option,         https_option,  verbose_option,
                                  args_option,        identities_option, stop_timeout_option, dry_run_option};
constexpr Option enter_options[] = {
    create_dirs_option, hold_option,
    http_option,        https_option,
    verbose_option,     args_option,
    identities_option,  stop_timeout_option,
    dry_run_option,     {.long_name = "run", .help = "Start the default services before the subcommand."}};
constexpr Positional enter_positionals[] = {
    {.name = "<subcommand>", .required = false, .list = true, .refers_to = Refers::commands}};

/// `--stop-timeout`, or else the variable.
Result<Nanoseconds> stop_timeout(const Arguments& arguments) {
  const std::string text = variable("PEBBLE_STOP_TIMEOUT");
  const bool by_option = arguments.given("stop-timeout");
  if (!by_option && text.empty()) return Nanoseconds(0);
  const auto timeout = by_option ? arguments.duration("stop-timeout") : layers::parse_duration(text).value_or(Nanoseconds(0));
  if (timeout.count() > 0) return timeout;
  return fail(by_option ? "--stop-timeout must be more than 0s"
                        : "PEBBLE_STOP_TIMEOUT must be a duration of more than 0s, not " + layers::quote(text));
}

Result<RunOptions> options_of(const Context& context, const Arguments& arguments) {
  RunOptions options;
  options.pebble_dir = context.pebble_dir();
  options.socket_path = context.socket_path();
  options.create_dirs = arguments.given("create-dirs");
  options.hold = arguments.given("hold");
  options.verbose = arguments.given("verbose") || variable("PEBBLE_VERBOSE") == "1";
  options.http = arguments.text("http");
  options.https = arguments.text("https");
  options.args = arguments.words("args");
  options.identities = arguments.text("identities");
  options.dry_run = arguments.given("dry-run");
  const auto timeout = stop_timeout(arguments);
  if (!timeout) return std::unexpected(timeout.error());
  options.stop_timeout = *timeout;
  return options;
}

Result<int> run(Context& context, const Arguments& arguments) {
  const auto options = options_of(context, arguments);
  if (!options) return std::unexpected(options.error());
  return context.daemon().run(*options);
}

/// How `enter` treats a subcommand (contract 09, section 2.9).
struct EnterRule {
  enum class Run { refused, allowed, required };
  std::string_view name;
  Run run = Run::refused;
  bool verbose_allowed = true;
  bool silent = true;
  bool stays = false;
};

constexpr EnterRule enter_rules[] = {
    {.name = "help"},
    {.name = "version"},
    {.name = "plan"},
    {.name = "services"},
    {.name = "ls"},
    {.name = "exec", .run = EnterRule::Run::allowed, .verbose_allowed = false},
    {.name = "start", .run = EnterRule::Run::allowed, .silent = false, .stays = true},
    {.name = "stop", .run = EnterRule::Run::required, .silent = false, .stays = true},
};

Result<const EnterRule*> rule_of(const Dispatched& subcommand, const Arguments& arguments) {
  const std::string name = layers::quote(subcommand.command->name);
  const EnterRule* rule = nullptr;
  for (const EnterRule& candidate : enter_rules) {
    if (candidate.name == subcommand.command->name) rule = &candidate;
  }
  if (!rule) return fail("enter: subcommand " + name + " is not supported");
  const bool with_run = arguments.given("run");
  if (with_run && rule->run == EnterRule::Run::refused) return fail("enter: cannot provide --run before " + name + " subcommand");
  if (!with_run && rule->run == EnterRule::Run::required) return fail("enter: must use --run before " + name + " subcommand");
  if (arguments.given("verbose") && !rule->verbose_allowed)
    return fail("enter: cannot provide -v/--verbose before " + name + " subcommand");
  return rule;
}

Result<int> enter(Context& context, const Arguments& arguments) {
  EnterOptions options;
  auto run = options_of(context, arguments);
  if (!run) return std::unexpected(run.error());
  options.run = std::move(*run);
  if (options.run.dry_run && arguments.positionals().empty()) return context.daemon().run(options.run);
  if (arguments.positionals().empty()) return context.daemon().enter(options);
  const auto subcommand = dispatch(arguments.positionals());
  if (!subcommand) return std::unexpected(subcommand.error());
  if (subcommand->parsed.act != Parsed::Act::run) return carry_out(context, *subcommand);
  const auto rule = rule_of(*subcommand, arguments);
  if (!rule) return std::unexpected(rule.error());
  if (subcommand->command == &help_command) return carry_out(context, *subcommand);
  if (options.run.dry_run) return context.daemon().run(options.run);
  options.start_services = arguments.given("run");
  options.run.hold = !options.start_services;
  options.silent = (*rule)->silent && !options.run.verbose;
  options.stays_after_success = (*rule)->stays;
  options.subcommand = [&] { return carry_out(context, *subcommand); };
  return context.daemon().enter(options);
}

}  // namespace

const Command run_command{
    .name = "run",
    .summary = "Run the service manager",
    .description =
        "The run command reads the configuration layers, starts the services with startup \"enabled\", and serves the API until "
        "a signal ends it. "
        "Then it stops the services in order.",
    .exit_status =
        "0 after a signal, or where on-success, on-failure or on-check-failure asks for it; 10 after a shutdown by on-failure, "
        "or "
        "failure-shutdown by on-success; 11 after a shutdown by on-check-failure; 42 if the daemon has stopped to wait for "
        "socket "
        "activation; 1 if it cannot run.",
    .category = Category::run,
    .options = run_options,
    .run = run,
};

const Command enter_command{
    .name = "enter",
    .summary = "Run one command with a service manager of its own",
    .description =
        "The enter command runs the service manager and, in it, one other command: version, plan, services, ls, exec, start, "
        "stop or help. "
        "It ends with that command, but for start and stop, after which it keeps running. Without a command it is like run.",
    .exit_status = "That of the command; that of run if the daemon ends first.",
    .options = enter_options,
    .positionals = enter_positionals,
    .run = enter,
    .first_word_ends_options = true,
};

}  // namespace cobble::client
