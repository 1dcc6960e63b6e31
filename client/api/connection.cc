#include "client/api/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "client/api/dial.h"

namespace cobble::client {
namespace {

std::unexpected<Trouble> trouble(std::string cause, bool permanent = false) {
  return std::unexpected(Trouble{std::move(cause), permanent});
}

/// What a system call says that sends or receives; `what`: for its error.
IoResult progress_of(ssize_t count, std::string_view what) {
  if (count >= 0) return static_cast<std::size_t>(count);
  if (errno == EINTR || errno == EAGAIN) return std::nullopt;
  return std::unexpected(std::string(what) + ": " + system_error_text(errno));
}

}  // namespace

std::expected<Connection, Trouble> Connection::open(const Endpoint& endpoint, std::chrono::milliseconds connect_limit) {
  if (endpoint.secure() && !endpoint.credentials.verifies_server())
    return trouble("cannot verify server: see TLS config options", true);
  auto fd = dial(endpoint, connect_limit);
  if (!fd) return std::unexpected(fd.error());
  Connection connection(std::move(*fd));
  if (!endpoint.secure()) return connection;
  auto tls = TlsLayer::start(connection.fd(), endpoint, connect_limit);
  if (!tls) return std::unexpected(tls.error());
  connection.tls_ = std::move(*tls);
  return connection;
}

IoResult Connection::send_some(std::string_view data) {
  if (tls_) return tls_->send_some(data);
  return progress_of(::send(fd_.get(), data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT), "write");
}

IoResult Connection::receive_some(char* buffer, std::size_t size) {
  if (tls_) return tls_->receive_some(buffer, size);
  return progress_of(recv(fd_.get(), buffer, size, MSG_DONTWAIT), "read");
}

std::expected<void, Trouble> Connection::send(std::string_view data, bool until_readable) {
  while (!data.empty()) {
    const auto sent = send_some(data);
    if (!sent) return trouble(sent.error());
    if (*sent) {
      data.remove_prefix(**sent);
      continue;
    }
    if (until_readable && readable()) return {};
    wait_for(fd_.get(), static_cast<short>(until_readable ? POLLOUT | POLLIN : POLLOUT), -1);
  }
  return {};
}

std::expected<std::size_t, Trouble> Connection::receive(char* buffer, std::size_t size, int interrupt_fd,
                                                        std::optional<std::chrono::milliseconds> limit) {
  for (;;) {
    if (!pending()) {
      const auto ready = wait_for(fd_.get(), POLLIN, interrupt_fd, limit);
      if (!ready) return trouble("i/o timeout");
      if (!*ready) return trouble(std::string(interrupted_text), true);
    }
    const auto count = receive_some(buffer, size);
    // What the server itself has refused it will refuse again.
    if (!count) return trouble(count.error(), count.error().starts_with("remote error: "));
    if (*count) return **count;
  }
}

bool Connection::readable() const {
  if (tls_) return tls_->readable();
  pollfd polled{fd_.get(), POLLIN, 0};
  return poll(&polled, 1, 0) > 0;
}

}  // namespace cobble::client
