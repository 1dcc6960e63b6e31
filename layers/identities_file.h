#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>

/// Files of identities, as the daemon seeds from them and the command line sends them (contract 08, section 2.15).
namespace cobble::layers {

/// One identity as given, before it is checked: its fields are of the right type, and that is all.
struct IdentityEntry {
  std::string access;
  bool local = false;                    ///< whether `local` is there
  std::optional<std::uint32_t> user_id;  ///< `local.user-id`
  std::optional<std::string> password;   ///< `basic.password`; empty text: `basic` without it
  std::optional<std::string> pem;        ///< `cert.pem`; empty text: `cert` without it

  bool operator==(const IdentityEntry&) const = default;
};

/// Names and what is given for them; none for `null`.
using IdentityEntries = std::map<std::string, std::optional<IdentityEntry>>;

/// Reads the YAML text of a file. The error is what follows `cannot read identities: ` or the like: `no identities to add; …` or
/// `cannot unmarshal identities: yaml: …`.
std::expected<IdentityEntries, std::string> parse_identities_file(std::string_view text);

}  // namespace cobble::layers
