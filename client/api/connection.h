#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "client/api/endpoint.h"

namespace cobble::client {

/// Owns a file descriptor.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset();

 private:
  int fd_ = -1;
};

/// Writes everything to a descriptor that may be a terminal, a pipe or a file, waiting as long as it takes; false, with errno,
/// when that fails.
bool write_all(int fd, std::string_view text);

/// What went wrong on the way to the server, in the words of contract 10, section 2.7.
struct Trouble {
  std::string cause;
  bool permanent = false;  ///< trying again cannot help
};

/// Words for being woken by Ctrl-C.
inline constexpr std::string_view interrupted_text = "interrupt signal received";

/// One stream connection to the server. Blocking; where an interrupt descriptor is given, waiting ends when it becomes
/// readable.
class Connection {
 public:
  /// Connects; for a Unix socket its path is looked at first. `connect_limit` bounds connecting over TCP.
  static std::expected<Connection, Trouble> open(const Endpoint& endpoint,
                                                 std::chrono::milliseconds connect_limit = std::chrono::seconds(30));

  /// Sends everything. With `until_readable` it stops without an error as soon as the server says something before the end.
  std::expected<void, Trouble> send(std::string_view data, bool until_readable = false);
  /// Reads what there is, at least one byte; 0 means that the server closed the connection. A `limit` bounds the wait.
  std::expected<std::size_t, Trouble> receive(char* buffer, std::size_t size, int interrupt_fd = -1,
                                              std::optional<std::chrono::milliseconds> limit = std::nullopt);
  /// Whether something can be read at once: between two requests that means the server has closed it.
  bool readable() const;
  int fd() const { return fd_.get(); }

 private:
  explicit Connection(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

}  // namespace cobble::client
