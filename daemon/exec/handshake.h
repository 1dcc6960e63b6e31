#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cobble::exec {

/// Judges the headers of a request to open a websocket (RFC 6455, section 4.2; contract 05, section 2.2): the value for
/// Sec-WebSocket-Accept, or what is wrong with the request.
std::expected<std::string, std::string> accept_handshake(const std::vector<std::pair<std::string, std::string>>& headers);

}  // namespace cobble::exec
