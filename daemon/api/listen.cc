#include "daemon/api/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>

#include "daemon/base/error.h"
#include "layers/quote.h"

namespace cobble::api {

namespace {

bool answers(const sockaddr_un& address) {
  const base::UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return false;
  // EAGAIN: a daemon with a full backlog is alive too.
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN;
}

struct HostPort {
  std::string host;
  std::string port;
};

std::expected<HostPort, std::string> split_host_port(const std::string& address) {
  const auto wrong = [&](std::string_view why) {
    return std::unexpected("listen tcp: address " + address + ": " + std::string(why));
  };
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return wrong("missing port in address");
  HostPort result;
  if (address.starts_with('[')) {
    const std::size_t end = address.find(']');
    if (end == std::string::npos) return wrong("missing ']' in address");
    if (end + 1 != colon) return wrong(end + 1 == address.size() ? "missing port in address" : "too many colons in address");
    result.host = address.substr(1, end - 1);
  } else {
    result.host = address.substr(0, colon);
    if (result.host.find(':') != std::string::npos) return wrong("too many colons in address");
  }
  result.port = address.substr(colon + 1);
  return result;
}

std::expected<std::uint16_t, std::string> parse_port(const std::string& text) {
  if (text.empty()) return std::uint16_t{0};
  if (text == "http") return std::uint16_t{80};
  if (text == "https") return std::uint16_t{443};
  long long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument)
    return std::unexpected("listen tcp: lookup tcp/" + text + ": unknown port");
  if (error != std::errc() || number < 0 || number > 65535)
    return std::unexpected("listen tcp: address " + text + ": invalid port");
  return static_cast<std::uint16_t>(number);
}

std::expected<TcpListener, int> open_one(const TcpAddress& address) {
  TcpListener listener;
  listener.family = address.address.ss_family;
  listener.fd.reset(::socket(listener.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.fd) return std::unexpected(errno);
  const int on = 1;
  const int v6_only = address.dual_stack ? 0 : 1;
  ::setsockopt(listener.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (listener.family == AF_INET6) ::setsockopt(listener.fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
  if (::bind(listener.fd.get(), reinterpret_cast<const sockaddr*>(&address.address), address.size) != 0 ||
      ::listen(listener.fd.get(), SOMAXCONN) != 0)
    return std::unexpected(errno);
  return listener;
}

/// The address of `path`; none when it is too long.
std::optional<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return std::nullopt;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

std::string listening_on(const std::string& path) {
  return "when trying to listen on " + path + ": ";
}

TcpAddress any_v4(std::uint16_t port) {
  TcpAddress address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.address);
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = INADDR_ANY;
  v4.sin_port = htons(port);
  address.size = sizeof v4;
  address.shown = ":" + std::to_string(port);
  return address;
}

}  // namespace

std::expected<base::UniqueFd, std::string> open_unix_listener(const std::string& path) {
  const std::string prefix = listening_on(path);
  const auto address = unix_address(path);
  if (!address) return std::unexpected(prefix + "listen unix " + path + ": bind: invalid argument");
  if (answers(*address)) return std::unexpected(prefix + "socket " + layers::quote(path) + " already in use");
  if (std::remove(path.c_str()) != 0 && errno != ENOENT) {
    const int error = errno;
    if (error != ENOTDIR) return std::unexpected(prefix + "remove " + path + ": " + base::errno_text(error));
  }
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return std::unexpected(prefix + "listen unix " + path + ": socket: " + base::errno_text(errno));
  // The mode holds from the first moment: connecting needs write permission on the file.
  ::fchmod(fd.get(), 0666);
  const mode_t mask = ::umask(0111);
  const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
  const int error = errno;
  ::umask(mask);
  if (bound != 0) return std::unexpected(prefix + "listen unix " + path + ": bind: " + base::errno_text(error));
  if (::listen(fd.get(), SOMAXCONN) != 0)
    return std::unexpected(prefix + "listen unix " + path + ": listen: " + base::errno_text(errno));
  return fd;
}

std::expected<void, std::string> check_socket_path(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1);
  int error = 0;
  if (!unix_address(path)) {
    error = EINVAL;
  } else if (::access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK) != 0) {
    error = errno;
  }
  if (error == 0) return {};
  return std::unexpected(listening_on(path) + "listen unix " + path + ": bind: " + base::errno_text(error));
}

std::expected<TcpAddress, std::string> parse_tcp_address(const std::string& text) {
  auto parts = split_host_port(text);
  if (!parts) return std::unexpected(std::move(parts.error()));
  auto port = parse_port(parts->port);
  if (!port) return std::unexpected(std::move(port.error()));
  const std::string host = parts->host == "localhost" ? "127.0.0.1" : parts->host;
  TcpAddress address = any_v4(*port);
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.address);
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    address.shown = host + address.shown;
    return address;
  }
  in6_addr number = in6addr_any;
  if (!host.empty() && ::inet_pton(AF_INET6, host.c_str(), &number) != 1)
    return std::unexpected("listen tcp: lookup " + host + ": no such host");
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address.address);
  v6 = {};
  v6.sin6_family = AF_INET6;
  v6.sin6_addr = number;
  v6.sin6_port = htons(*port);
  address.size = sizeof v6;
  address.dual_stack = host.empty();
  if (!host.empty()) address.shown = "[" + host + "]" + address.shown;
  return address;
}

std::expected<TcpListener, std::string> open_tcp_listener(const std::string& text) {
  auto address = parse_tcp_address(text);
  if (!address) return std::unexpected(std::move(address.error()));
  auto listener = open_one(*address);
  // A kernel without IPv6 has one wildcard only.
  if (!listener && address->dual_stack && listener.error() == EAFNOSUPPORT)
    listener = open_one(any_v4(ntohs(reinterpret_cast<const sockaddr_in6&>(address->address).sin6_port)));
  if (!listener) return std::unexpected("listen tcp " + address->shown + ": bind: " + base::errno_text(listener.error()));
  return std::move(*listener);
}

std::string address_text(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    // IPv4 clients of a dual-stack listener are named by their IPv4 address.
    std::string_view host(text);
    if (host.starts_with("::ffff:") && host.find('.') != std::string_view::npos)
      return std::string(host.substr(7)) + ":" + std::to_string(ntohs(v6.sin6_port));
    return "[" + std::string(host) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  return {};
}

}  // namespace cobble::api
