#pragma once

#include <optional>
#include <string_view>

#include "daemon/access/user.h"

/// Who may do what: pure decisions (contract 08, sections 2.2 and 2.3).
namespace cobble::access {

/// Whether a caller may use an endpoint that asks for `access`. `pairing_open`: whether the pairing window is open now.
bool allowed(Access access, Transport transport, Level level, bool pairing_open);

/// What a unix socket peer without an identity may do. `daemon_uid`: the daemon's own real UID.
Level default_level(std::uint32_t uid, std::uint32_t daemon_uid);

/// `admin`, `read`, `metrics`, `untrusted`; empty for `none`.
std::string_view level_word(Level level);
/// The level that a word stands for; none when it stands for none.
std::optional<Level> level_from_word(std::string_view word);

}  // namespace cobble::access
