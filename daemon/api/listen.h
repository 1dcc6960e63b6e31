#pragma once

#include <sys/socket.h>

#include <expected>
#include <string>
#include <vector>

#include "daemon/base/fd.h"

/// Listening sockets, made as contract 09 sections 3.3 and 3.4 say.
namespace cobble::api {

/// Removes what is at `path` unless a daemon answers there, then binds and listens with mode 0666, non-blocking. The error is the
/// whole text after `cannot run daemon: `.
std::expected<base::UniqueFd, std::string> open_unix_listener(const std::string& path);

struct TcpListener {
  base::UniqueFd fd;
  int family = 0;
};

/// Listens on `host:port`; no host means all addresses. A name may give several sockets. The error is the text behind `cannot
/// listen on "…": `.
std::expected<std::vector<TcpListener>, std::string> open_tcp_listeners(const std::string& address);

/// `127.0.0.1:60308`, `[::1]:4000`.
std::string address_text(const sockaddr_storage& address);

}  // namespace cobble::api
