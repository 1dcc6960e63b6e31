#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

/// Users and groups from /etc/passwd and /etc/group, read afresh at each call (no NSS: the binary is static and lives in images
/// it doesn't know).
namespace cobble::process {

/// An entry of /etc/passwd.
struct User {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::string home;
};

/// Look-ups; nothing when there is no such entry, or no file.
std::optional<User> find_user(std::string_view name);
std::optional<User> find_user(uid_t uid);
std::optional<gid_t> find_group(std::string_view name);
std::optional<std::string> find_group_name(gid_t gid);
std::optional<std::string> find_user_name(uid_t uid);

/// Who a process is to run as.
struct Credentials {
  std::optional<uid_t> uid;  ///< none: nothing was asked for
  std::optional<gid_t> gid;
  bool same_as_daemon = false;  ///< no switch is needed
  std::optional<User> user;     ///< the passwd entry, for HOME and USER
};

/// Resolves `user`, `user-id`, `group`, `group-id` as contract 02 section 3.7 says; the error is the reference's text
/// (`user: unknown user nosuch`, `must specify user, not just group` …).
std::expected<Credentials, std::string> resolve_credentials(std::string_view user, std::optional<std::int64_t> user_id,
                                                            std::string_view group, std::optional<std::int64_t> group_id);

}  // namespace cobble::process
