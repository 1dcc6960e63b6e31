#include "client/api/dial.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "client/api/resolver.h"
#include "layers/quote.h"

namespace cobble::client {
namespace {

std::unexpected<Trouble> trouble(std::string cause, bool permanent = false) {
  return std::unexpected(Trouble{std::move(cause), permanent});
}

std::expected<FileDescriptor, Trouble> connect_unix(const std::string& path) {
  struct stat info{};
  if (stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return trouble("socket " + layers::quote(path) + " not found");
    if (errno != ENAMETOOLONG)
      return trouble("cannot stat " + layers::quote(path) + ": stat " + path + ": " + system_error_text(errno));
  }
  const std::string dial = "dial unix " + path + ": connect: ";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return trouble(dial + system_error_text(EINVAL));
  std::memcpy(address.sun_path, path.c_str(), path.size());
  FileDescriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return trouble(dial + system_error_text(errno));
  while (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno != EINTR) return trouble(dial + system_error_text(errno));
  }
  return fd;
}

/// An address of the socket API with its length.
struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

std::optional<Address> numeric_address(const std::string& text, std::uint16_t port) {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.size = sizeof(sockaddr_in);
    return address;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address.size = sizeof(sockaddr_in6);
    return address;
  }
  return std::nullopt;
}

std::expected<FileDescriptor, Trouble> connect_address(const Address& address, const std::string& dial,
                                                       std::chrono::milliseconds limit) {
  FileDescriptor fd(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return trouble(dial + "connect: " + system_error_text(errno));
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0) {
    if (errno != EINPROGRESS) return trouble(dial + "connect: " + system_error_text(errno));
    if (!wait_for(fd.get(), POLLOUT, -1, limit)) return trouble(dial + "i/o timeout");
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return trouble(dial + "connect: " + system_error_text(error));
  }
  const int one = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

std::expected<FileDescriptor, Trouble> connect_tcp(const Endpoint& endpoint, std::chrono::milliseconds limit) {
  if (endpoint.scheme != "http" && !endpoint.secure())
    return trouble("unsupported protocol scheme " + layers::quote(endpoint.scheme), true);
  const auto port = std::strtoul(endpoint.port.c_str(), nullptr, 10);
  if (endpoint.address.empty() || port > 65535) return trouble("dial tcp: address " + endpoint.host + ": invalid address", true);
  const auto addresses = resolve(endpoint.address);
  if (!addresses) return trouble("dial tcp: " + addresses.error());
  auto last = trouble("dial tcp: no suitable address found");
  for (const std::string& text : *addresses) {
    const bool v6 = text.find(':') != std::string::npos;
    const std::string dial = "dial tcp " + (v6 ? "[" + text + "]" : text) + ":" + endpoint.port + ": ";
    auto fd = connect_address(*numeric_address(text, static_cast<std::uint16_t>(port)), dial, limit);
    if (fd) return fd;
    last = trouble(fd.error().cause);
  }
  return last;
}

}  // namespace

std::expected<FileDescriptor, Trouble> dial(const Endpoint& endpoint, std::chrono::milliseconds limit) {
  return endpoint.tcp ? connect_tcp(endpoint, limit) : connect_unix(endpoint.socket_path);
}

}  // namespace cobble::client
