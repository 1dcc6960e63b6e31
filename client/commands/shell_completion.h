#pragma once

#include <string>
#include <string_view>

namespace cobble::client {

/// The completion script for one of the `shells`: it asks `pebble completion SHELL -- WORD...` what the last word could become.
/// Pure.
std::string shell_completion(std::string_view shell);

}  // namespace cobble::client
