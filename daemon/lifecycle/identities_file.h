#pragma once

#include <expected>
#include <string>

namespace cobble::lifecycle {

/// Reads a file of identities (`pebble run --identities`) and makes the body of the request that replaces them. The error is the
/// text after `cannot run daemon: `.
std::expected<std::string, std::string> identities_request(const std::string& path);

}  // namespace cobble::lifecycle
