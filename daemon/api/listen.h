#pragma once

#include <sys/socket.h>

#include <expected>
#include <string>

#include "daemon/base/fd.h"

/// Listening sockets, made as contract 09 sections 3.3 and 3.4 say.
namespace cobble::api {

/// Removes what is at `path` unless a daemon answers there, then binds and listens with mode 0666, non-blocking. The error is the
/// whole text after `cannot run daemon: `.
std::expected<base::UniqueFd, std::string> open_unix_listener(const std::string& path);

/// Whether a socket can be made at `path`, as far as that can be told without making it. The error is the same as above.
std::expected<void, std::string> check_socket_path(const std::string& path);

/// An address to listen on.
struct TcpAddress {
  sockaddr_storage address{};
  socklen_t size = 0;
  bool dual_stack = false;  ///< all addresses, of IPv4 as well
  std::string shown;        ///< as error texts name it
};
/// Reads `host:port`; no host means all addresses. The error is the text behind `cannot listen on "…": `.
std::expected<TcpAddress, std::string> parse_tcp_address(const std::string& text);

struct TcpListener {
  base::UniqueFd fd;
  int family = 0;
};

/// Listens on `host:port`. The error is the text behind `cannot listen on "…": `.
std::expected<TcpListener, std::string> open_tcp_listener(const std::string& text);

/// `127.0.0.1:60308`, `[::1]:4000`.
std::string address_text(const sockaddr_storage& address);

}  // namespace cobble::api
