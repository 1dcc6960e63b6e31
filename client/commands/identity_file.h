#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "client/api/error.h"
#include "client/api/types.h"

namespace cobble::client {

/// What a file of identities says, by name; no value where the file says null (contract 08, section 2.15). Unknown keys are
/// passed over; what has the wrong type fails with `cannot unmarshal identities: …`. A file without the key `identities`
/// says nothing.
Result<std::map<std::string, std::optional<Identity>>> parse_identity_file(std::string_view text);

}  // namespace cobble::client
