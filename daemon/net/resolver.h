#pragma once

#include <boost/asio/ip/address.hpp>
#include <expected>
#include <string>
#include <vector>

#include "daemon/base/loop.h"

namespace cobble::net {

using Address = boost::asio::ip::address;

/// The addresses of a host: literals and `localhost` (and names below it) without asking anybody, then /etc/hosts, then DNS as
/// /etc/resolv.conf says, read afresh each time. No NSS: the executable is static. Addresses that can't be reached from here
/// stand last, IPv6 before IPv4 otherwise. The error is the reference's text without `dial tcp: ` before it: `lookup
/// nonexistent.invalid on 10.0.0.53:53: no such host`. Cancelling the caller gives the query up.
base::Task<std::expected<std::vector<Address>, std::string>> resolve(base::IoContext& loop, std::string host);

}  // namespace cobble::net
