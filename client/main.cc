#include "client/commands/main.h"

#include <vector>

#include "daemon/daemon.h"

namespace {

cobble::lifecycle::Options daemon_options(const cobble::client::RunOptions& run) {
  cobble::lifecycle::Options options;
  options.create_dirs = run.create_dirs;
  options.hold = run.hold;
  options.verbose = run.verbose;
  options.http = run.http;
  options.https = run.https;
  options.args = run.args;
  options.identities = run.identities;
  options.dry_run = run.dry_run;
  if (run.stop_timeout.count() > 0) options.stop_timeout = run.stop_timeout;
  return options;
}

int run(const cobble::client::RunOptions& run_options) {
  if (run_options.dry_run) return cobble::report_problems(daemon_options(run_options));
  cobble::run_daemon(daemon_options(run_options));
}

int enter(const cobble::client::EnterOptions& enter_options) {
  cobble::lifecycle::Options options = daemon_options(enter_options.run);
  options.quiet = enter_options.silent;
  options.hold = options.hold || (enter_options.subcommand && !enter_options.start_services);
  if (!enter_options.subcommand) cobble::run_daemon(options);
  cobble::run_daemon_around(options, enter_options.subcommand, enter_options.stays_after_success);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + (argc > 0 ? 1 : 0), argv + argc);
  return cobble::client::run_command_line(args, {.run = run, .enter = enter});
}
