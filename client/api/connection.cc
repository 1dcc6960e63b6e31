#include "client/api/connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

#include "layers/quote.h"

namespace cobble::client {
namespace {

std::unexpected<Trouble> trouble(std::string cause, bool permanent = false) {
  return std::unexpected(Trouble{std::move(cause), permanent});
}

/// Waits for an event on `fd`, or for `interrupt_fd`: true for the first, false for the second; nullopt after the limit.
std::optional<bool> wait_for(int fd, short events, int interrupt_fd,
                             std::optional<std::chrono::milliseconds> limit = std::nullopt) {
  pollfd polled[2] = {{fd, events, 0}, {interrupt_fd, POLLIN, 0}};
  for (;;) {
    const int count = poll(polled, interrupt_fd >= 0 ? 2 : 1, limit ? static_cast<int>(limit->count()) : -1);
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) return std::nullopt;
    return polled[0].revents != 0 || polled[1].revents == 0;
  }
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

/// Addresses of a host: numbers, `localhost`, and names in /etc/hosts. The executable is static, so the system's resolver
/// with its plug-ins is not there.
std::vector<std::string> addresses_of(const std::string& host) {
  if (numeric_address(host, 0)) return {host};
  std::vector<std::string> found;
  std::ifstream hosts("/etc/hosts");
  for (std::string line; std::getline(hosts, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string address;
    words >> address;
    for (std::string name; words >> name;) {
      if (name == host && numeric_address(address, 0)) found.push_back(address);
    }
  }
  if (found.empty() && host == "localhost") found = {"127.0.0.1", "::1"};
  return found;
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
  if (endpoint.scheme == "https") return trouble("cannot verify server: see TLS config options", true);
  if (endpoint.scheme != "http") return trouble("unsupported protocol scheme " + layers::quote(endpoint.scheme), true);
  const auto port = std::strtoul(endpoint.port.c_str(), nullptr, 10);
  if (endpoint.address.empty() || port > 65535) return trouble("dial tcp: address " + endpoint.host + ": invalid address", true);
  auto last = trouble("dial tcp: lookup " + endpoint.address + ": no such host");
  for (const std::string& text : addresses_of(endpoint.address)) {
    const bool v6 = text.find(':') != std::string::npos;
    const std::string dial = "dial tcp " + (v6 ? "[" + text + "]" : text) + ":" + endpoint.port + ": ";
    auto fd = connect_address(*numeric_address(text, static_cast<std::uint16_t>(port)), dial, limit);
    if (fd) return fd;
    last = trouble(fd.error().cause);
  }
  return last;
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

void FileDescriptor::reset() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(fd, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      pollfd polled{fd, POLLOUT, 0};
      poll(&polled, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

std::expected<Connection, Trouble> Connection::open(const Endpoint& endpoint, std::chrono::milliseconds connect_limit) {
  auto fd = endpoint.tcp ? connect_tcp(endpoint, connect_limit) : connect_unix(endpoint.socket_path);
  if (!fd) return std::unexpected(fd.error());
  return Connection(std::move(*fd));
}

std::expected<void, Trouble> Connection::send(std::string_view data, bool until_readable) {
  while (!data.empty()) {
    const ssize_t sent = ::send(fd_.get(), data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      data.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return trouble("write: " + system_error_text(errno));
    if (until_readable && readable()) return {};
    wait_for(fd_.get(), static_cast<short>(until_readable ? POLLOUT | POLLIN : POLLOUT), -1);
  }
  return {};
}

std::expected<std::size_t, Trouble> Connection::receive(char* buffer, std::size_t size, int interrupt_fd,
                                                        std::optional<std::chrono::milliseconds> limit) {
  for (;;) {
    const auto ready = wait_for(fd_.get(), POLLIN, interrupt_fd, limit);
    if (!ready) return trouble("i/o timeout");
    if (!*ready) return trouble(std::string(interrupted_text), true);
    const ssize_t count = recv(fd_.get(), buffer, size, MSG_DONTWAIT);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR && errno != EAGAIN) return trouble("read: " + system_error_text(errno));
  }
}

bool Connection::readable() const {
  pollfd polled{fd_.get(), POLLIN, 0};
  return poll(&polled, 1, 0) > 0;
}

}  // namespace cobble::client
