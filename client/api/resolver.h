#pragma once

#include <expected>
#include <string>
#include <vector>

namespace cobble::client {

/// The addresses of a host, as text: numbers and `localhost` (and names below it) without asking anybody, then /etc/hosts, then
/// DNS as /etc/resolv.conf says. No NSS: the executable is static. The error is `lookup HOST: no such host` and the like.
std::expected<std::vector<std::string>, std::string> resolve(const std::string& host);

}  // namespace cobble::client
