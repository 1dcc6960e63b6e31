#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cobble::client {

/// The text of a double-quoted literal with backslash escapes (`\n`, `\"`, `\x41`, `\101`, `\u00e9` …); nullopt if it is none.
std::optional<std::string> unquote(std::string_view literal);

}  // namespace cobble::client
