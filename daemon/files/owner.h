#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/base/error.h"

namespace cobble::files {

/// Who shall own a new file or directory, as a request says it (contract 04, section 3.5).
struct OwnerRequest {
  std::optional<std::int64_t> user_id;
  std::string user;
  std::optional<std::int64_t> group_id;
  std::string group;
};

/// The numbers for chown; -1 leaves one as it is.
struct Owner {
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);

  bool asked_for() const { return uid != static_cast<uid_t>(-1) || gid != static_cast<gid_t>(-1); }
};

/// Looks names up; the error is `cannot look up user and group: REASON`.
base::Result<Owner> resolve_owner(const OwnerRequest& request);

/// Three octal digits; empty text is `by_default`. The error is `permissions must be a 3-digit octal string, got "x"`.
base::Result<mode_t> parse_permissions(std::string_view text, mode_t by_default);

}  // namespace cobble::files
