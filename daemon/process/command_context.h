#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "layers/plan.h"

namespace cobble::process {

/// What a command inherits and what it sets itself, before users and groups are looked up: for exec (contract 05) and for exec
/// checks (contract 06, section 3.6). Plain values.
struct CommandContext {
  std::map<std::string, std::string> environment;
  std::optional<std::int64_t> user_id;
  std::string user;
  std::optional<std::int64_t> group_id;
  std::string group;
  std::string working_dir;

  bool operator==(const CommandContext&) const = default;
};

/// `own` laid over the context of `service`: environments are merged with `own` winning name by name; each other field is the
/// service's unless `own` has it. No service (nullptr): `own` as it is.
CommandContext resolve_context(const layers::Service* service, CommandContext own);

}  // namespace cobble::process
