#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace cobble::access {

/// What somebody may do (contract 08).
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
