#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace cobble::access {

/// The listener through which a request came (contract 08, section 2.1).
enum class Transport { unix_socket, http, https };

/// What an endpoint asks for (contract 08, section 2.3; contract 03, section 2.1): `user` is the contract's `read`.
enum class Access { open, user, admin, metrics, pairing };

/// What somebody may do (contract 08); `none` is nobody.
enum class Level { none, untrusted, metrics, read, admin };

/// Who sent a request, as far as is known.
struct RequestUser {
  std::optional<std::uint32_t> uid;  ///< peer credentials of the unix socket, unless another identity was proven
  std::optional<pid_t> pid;
  std::string identity;  ///< name of the matching identity; empty: none
  Level level = Level::none;

  /// As security log lines name the user: the identity, else the uid, else empty.
  std::string text() const { return !identity.empty() ? identity : uid ? std::to_string(*uid) : std::string(); }
};

}  // namespace cobble::access
