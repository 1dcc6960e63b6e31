#pragma once

#include <unistd.h>

#include <utility>

namespace cobble::base {

/// Owns one file descriptor and closes it. Every descriptor of the daemon has such an owner (or an Asio socket) and is
/// `O_CLOEXEC`.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

/// Both ends of a pipe, `O_CLOEXEC`.
struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

/// Makes a pipe; on failure both ends are empty and errno is set.
Pipe make_pipe();

}  // namespace cobble::base
