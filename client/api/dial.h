#pragma once

#include <chrono>
#include <expected>

#include "client/api/descriptor.h"
#include "client/api/endpoint.h"

namespace cobble::client {

/// Connects to the server. For a Unix socket its path is looked at first; over TCP a host's addresses are tried one after the
/// other, each for at most `limit`.
std::expected<FileDescriptor, Trouble> dial(const Endpoint& endpoint, std::chrono::milliseconds limit);

}  // namespace cobble::client
