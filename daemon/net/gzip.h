#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace cobble::net {

/// Unpacks the gzip data that is there, at most `limit` bytes of the result; data that ends early gives what can be had of it.
/// The error is the reference's text, `gzip: invalid header`.
std::expected<std::string, std::string> unpack_gzip(std::string_view packed, std::size_t limit);

/// `data` as a gzip file (RFC 1952) of one member. Takes about 20 ms a MiB: large data belongs on the pool.
std::string pack_gzip(std::string_view data);

}  // namespace cobble::net
