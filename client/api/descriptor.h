#pragma once

#include <chrono>
#include <optional>
#include <string_view>

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

/// Waits for poll's `events` on `fd`, or for `interrupt_fd` (-1: none) to be readable: true for the first, false for the second;
/// none after the limit.
std::optional<bool> wait_for(int fd, short events, int interrupt_fd,
                             std::optional<std::chrono::milliseconds> limit = std::nullopt);

}  // namespace cobble::client
