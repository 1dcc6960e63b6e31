#pragma once

#include <string_view>

/// Names that are fixed when the program is built, and the versions it tells.
namespace cobble::client {

inline constexpr std::string_view program_name = "pebble";
inline constexpr std::string_view display_name = "Pebble";
inline constexpr std::string_view default_directory = "/var/lib/pebble/default";
/// The version of the contract that this client fulfils.
inline constexpr std::string_view client_version = "v1.32.1";

}  // namespace cobble::client
