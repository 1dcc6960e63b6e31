#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "client/api/types.h"

/// What `run` and `enter` ask the daemon for, as plain data (contract 09, sections 2.1 and 2.9).
namespace cobble::client {

/// The flags of `pebble run`, and where the daemon is to live.
struct RunOptions {
  std::string pebble_dir;   ///< `$PEBBLE`, or the default
  std::string socket_path;  ///< where to listen: `$PEBBLE_SOCKET`, or the socket in the directory
  bool create_dirs = false;
  bool hold = false;
  bool verbose = false;                        ///< the flag, or `PEBBLE_VERBOSE=1`
  std::string http;                            ///< listen address; empty: none
  std::string https;                           ///< listen address; empty: none
  std::vector<std::vector<std::string>> args;  ///< each `--args`: the service and its arguments
  std::string identities;                      ///< a file; empty: none
  Nanoseconds stop_timeout{0};                 ///< `--stop-timeout`, or `PEBBLE_STOP_TIMEOUT`; 0: the default
  bool dry_run = false;                        ///< look for problems instead of running
};

/// The flags of `pebble enter` and its subcommand.
struct EnterOptions {
  RunOptions run;
  /// Hides every line of the daemon's log.
  bool silent = false;
  /// Start the default services before the subcommand (`--run`).
  bool start_services = false;
  /// After a subcommand that succeeds the daemon keeps running (`start`, `stop`).
  bool stays_after_success = false;
  /// Does the subcommand's work over the socket once the daemon is listening; its exit status. Blocks; to be called once, on a
  /// thread or in a process of its own. Empty: no subcommand, `enter` is like `run`.
  std::function<int()> subcommand;
};

/// The daemon's half of the executable. Each returns the exit status of the process.
struct DaemonEntry {
  std::function<int(const RunOptions&)> run;
  std::function<int(const EnterOptions&)> enter;
};

}  // namespace cobble::client
