#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/base/time.h"

/// What `pebble run` and `pebble enter` were asked for, and where they work (contract 09, sections 2.1 to 2.4).
namespace cobble::lifecycle {

struct Options {
  bool create_dirs = false;
  bool hold = false;
  bool verbose = false;
  bool quiet = false;                             ///< no lines of the daemon's own log (`enter` with some subcommands)
  bool dry_run = false;                           ///< look for problems instead of running
  std::string http;                               ///< empty: no plain HTTP listener
  std::string https;                              ///< empty: no HTTPS listener
  std::vector<std::vector<std::string>> args;     ///< each: service, then its arguments
  std::string identities;                         ///< file to seed identities from; empty: none
  std::optional<base::Nanoseconds> stop_timeout;  ///< for stopping all services; none: the default
};

/// The daemon's places, from the environment.
struct Paths {
  std::string directory;  ///< $PEBBLE
  std::string socket;     ///< $PEBBLE_SOCKET
  std::string layers() const { return directory + "/layers"; }
};

Paths paths_from_environment();

}  // namespace cobble::lifecycle
