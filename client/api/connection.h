#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "client/api/descriptor.h"
#include "client/api/endpoint.h"
#include "client/api/tls.h"

namespace cobble::client {

/// Words for being woken by Ctrl-C.
inline constexpr std::string_view interrupted_text = "interrupt signal received";

/// One stream connection to the server: a Unix socket, TCP, or TLS over it. Blocking, but for `send_some` and `receive_some`;
/// where an interrupt descriptor is given, waiting ends when it becomes readable.
class Connection {
 public:
  /// Connects; for a Unix socket its path is looked at first. `connect_limit` bounds connecting over TCP, and agreeing on TLS.
  static std::expected<Connection, Trouble> open(const Endpoint& endpoint,
                                                 std::chrono::milliseconds connect_limit = std::chrono::seconds(30));

  /// Sends everything. With `until_readable` it stops without an error as soon as the server says something before the end.
  std::expected<void, Trouble> send(std::string_view data, bool until_readable = false);
  /// Reads what there is, at least one byte; 0 means that the server closed the connection. A `limit` bounds the wait.
  std::expected<std::size_t, Trouble> receive(char* buffer, std::size_t size, int interrupt_fd = -1,
                                              std::optional<std::chrono::milliseconds> limit = std::nullopt);
  /// Sends or receives what is possible at once.
  IoResult send_some(std::string_view data);
  IoResult receive_some(char* buffer, std::size_t size);
  /// Whether received bytes wait in memory: read them before waiting for `fd`.
  bool pending() const { return tls_ && tls_->pending(); }
  /// Whether something can be read at once: between two requests that means the server has closed it.
  bool readable() const;
  /// To be waited for, not to be read from or written to.
  int fd() const { return fd_.get(); }

 private:
  explicit Connection(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
  std::unique_ptr<TlsLayer> tls_;
};

}  // namespace cobble::client
