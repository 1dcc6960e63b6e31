#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/access/user.h"
#include "layers/identities_file.h"

/// Identities and the rules of changing them (contract 08, sections 2.6 to 2.9): values without I/O. Error texts are the
/// contract's.
namespace cobble::access {

/// One way or more of recognising a caller, and what that caller may do.
struct Identity {
  Level level = Level::untrusted;
  std::optional<std::uint32_t> user_id;
  std::optional<std::string> password;         ///< hash (section 2.10)
  std::optional<std::string> certificate_der;  ///< of the one certificate

  bool operator==(const Identity&) const = default;
};

using Identities = std::map<std::string, Identity>;
/// What a request names: null stands for "none".
using IdentityMap = std::map<std::string, std::optional<Identity>>;

enum class IdentityAction { add, update, replace, remove };

/// A change of identities that has been understood but not applied.
struct IdentityRequest {
  std::string action;
  IdentityMap identities;
};

/// Reads the body of POST /v1/identities; the error is the whole message of the 400.
std::expected<IdentityRequest, std::string> parse_identity_request(std::string_view body);

/// Checks the action's name and its rules on null values (rows 3 and 4 of section 2.8).
std::expected<IdentityAction, std::string> check_action(const IdentityRequest& request);

/// `current` after the action (rows 5 and 6). What is refused changes nothing.
std::expected<Identities, std::string> apply_action(const Identities& current, IdentityAction action, const IdentityMap& request);

/// The identities as clients see them: secrets as `*****`.
std::string shown_json(const Identities& identities);
/// The identities as the state file keeps them (section 2.9).
std::string stored_json(const Identities& identities);
/// Reads what `stored_json` wrote. The error is the reason without a prefix.
std::expected<Identities, std::string> parse_stored(std::string_view text);

/// Checks one identity as given in a file or a request; the error is the reason, without a prefix.
std::expected<Identity, std::string> check_identity(std::string_view name, const layers::IdentityEntry& entry);
/// Checks all of a file's; the error is `invalid identity for "bob": …`.
std::expected<IdentityMap, std::string> check_identities(const layers::IdentityEntries& entries);

/// Whether a name is letters, digits, `_` and `-` after a first letter.
bool valid_name(std::string_view name);

}  // namespace cobble::access
