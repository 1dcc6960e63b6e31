#pragma once

#include "client/api/client.h"
#include "client/commands/command.h"

/// What `push` and `mkdir` have in common.
namespace cobble::client {

inline constexpr Option parents_option{.short_name = 'p',
                                       .help = "Make parent directories as needed; nothing that exists already is an error."};
inline constexpr Option mode_option{.short_name = 'm', .help = "Permissions as octal digits, such as 644", .takes = Takes::text};
inline constexpr Option uid_option{.long_name = "uid", .help = "ID of the user", .takes = Takes::integer};
inline constexpr Option user_option{.long_name = "user", .help = "Name of the user", .takes = Takes::text};
inline constexpr Option gid_option{.long_name = "gid", .help = "ID of the group", .takes = Takes::integer};
inline constexpr Option group_option{.long_name = "group", .help = "Name of the group", .takes = Takes::text};

/// The user and group that the options name.
Ownership owner_of(const Arguments& arguments);

/// The mode as the server wants it: at least three octal digits; empty for none and for zero. `invalid mode for directory: "9"`.
Result<std::string> permissions_for_server(const std::string& mode);

/// The same for mode bits.
std::string octal_permissions(unsigned bits);

}  // namespace cobble::client
