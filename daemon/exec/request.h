#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/error.h"
#include "daemon/base/time.h"
#include "daemon/process/command_context.h"

namespace cobble::exec {

/// The body of POST /v1/exec (contract 05, section 2.1).
struct Request {
  std::vector<std::string> command;
  std::string service_context;
  process::CommandContext own;  ///< environment, user, group and directory of the request itself
  std::optional<base::Nanoseconds> timeout;
  bool terminal = false;
  bool interactive = false;
  bool split_stderr = false;
  std::int64_t width = 0;
  std::int64_t height = 0;
};

/// Reads the JSON and looks at what can be judged by itself: command there, timeout readable.
base::Result<Request> parse_request(std::string_view json);

/// A command that is ready to be started.
struct Command {
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment;
  std::string working_dir;
  std::optional<uid_t> uid;  ///< with gid: switch to them; none: as the daemon
  std::optional<gid_t> gid;
  std::optional<base::Nanoseconds> timeout;
  bool terminal = false;
  bool interactive = false;
  bool split_stderr = false;
  std::uint16_t columns = 80;
  std::uint16_t rows = 25;
};

/// Whether the daemon could run a command of this name (contract 05, section 3.2).
bool executable_exists(const std::string& name);

/// Works out user, environment and directory (contract 05, section 3.3), and checks them in the contract's order. `context` is
/// the request's own laid over its service's.
base::Result<Command> prepare(const Request& request, process::CommandContext context);

}  // namespace cobble::exec
