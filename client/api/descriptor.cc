#include "client/api/descriptor.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace cobble::client {

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
      wait_for(fd, POLLOUT, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

std::optional<bool> wait_for(int fd, short events, int interrupt_fd, std::optional<std::chrono::milliseconds> limit) {
  pollfd polled[2] = {{fd, events, 0}, {interrupt_fd, POLLIN, 0}};
  for (;;) {
    const int count = poll(polled, interrupt_fd >= 0 ? 2 : 1, limit ? static_cast<int>(limit->count()) : -1);
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) return std::nullopt;
    return polled[0].revents != 0 || polled[1].revents == 0;
  }
}

}  // namespace cobble::client
