#include "daemon/files/owner.h"

#include <algorithm>

#include "daemon/files/path.h"
#include "daemon/process/users.h"
#include "layers/quote.h"

namespace cobble::files {

base::Result<Owner> resolve_owner(const OwnerRequest& request) {
  const auto found = process::resolve_credentials(request.user, request.user_id, request.group, request.group_id);
  if (!found) return std::unexpected(generic_error("cannot look up user and group: " + found.error()));
  Owner owner;
  if (found->uid) owner.uid = *found->uid;
  if (found->gid) owner.gid = *found->gid;
  return owner;
}

base::Result<mode_t> parse_permissions(std::string_view text, mode_t by_default) {
  if (text.empty()) return by_default;
  mode_t mode = 0;
  if (text.size() != 3 || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '7'; }))
    return std::unexpected(generic_error("permissions must be a 3-digit octal string, got " + layers::quote(text)));
  for (const char digit : text) mode = mode * 8 + static_cast<mode_t>(digit - '0');
  return mode;
}

}  // namespace cobble::files
