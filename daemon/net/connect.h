#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "daemon/base/stream.h"

namespace cobble::net {

/// `host:port`, an IPv6 address in brackets.
std::string join_host_port(std::string_view host, std::string_view port);

/// Connects to host and port (decimal). Of several addresses those of the first family are tried one after the other, those of
/// the other beside them after 300 ms or as soon as the first family has failed; the error is that of the first family: `dial tcp
/// 127.0.0.1:80: connect: connection refused`, `dial tcp: address 99999: invalid port`. Cancelling the caller ends all attempts;
/// a limit of time is the caller's business.
base::Task<std::expected<base::Socket, std::string>> dial(base::IoContext& loop, std::string host, std::string port);

}  // namespace cobble::net
