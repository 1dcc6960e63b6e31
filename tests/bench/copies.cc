#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <thread>

#include "tests/bench/child.h"

namespace cobble::bench {

namespace {

constexpr std::size_t step = 128 * 1024;
std::array<char, step> buffer;

/// A socket whose other end is read by a thread.
class Drain {
 public:
  Drain() {
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()) == 0, "socketpair");
    reader_ = std::thread([fd = ends_[1]] {
      std::vector<char> bytes(1024 * 1024);
      while (::read(fd, bytes.data(), bytes.size()) > 0) {
      }
    });
  }
  ~Drain() {
    ::close(ends_[0]);
    reader_.join();
    ::close(ends_[1]);
  }
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;
  int fd() const { return ends_[0]; }

 private:
  std::array<int, 2> ends_{};
  std::thread reader_;
};

void write_all(int fd, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::write(fd, bytes, size);
    require(count > 0, "write");
    bytes += count;
    size -= static_cast<std::size_t>(count);
  }
}

void copy(int from, int to) {
  for (ssize_t count = 0; (count = ::read(from, buffer.data(), step)) > 0;)
    if (to >= 0) write_all(to, buffer.data(), static_cast<std::size_t>(count));
}

/// Copies what a command prints; -1: nowhere.
void copy_output(const Arguments& arguments, int to) {
  std::array<int, 2> ends{};
  require(::pipe2(ends.data(), O_CLOEXEC) == 0, "pipe");
  const Meter meter;
  const pid_t pid = start(arguments, 0, ends[1]);
  ::close(ends[1]);
  copy(ends[0], to);
  meter.print();
  ::close(ends[0]);
  await(pid);
}

}  // namespace

void pipe_read(const Arguments& arguments) {
  copy_output(arguments, -1);
}

void pipe_to_socket(const Arguments& arguments) {
  const Drain drain;
  copy_output(arguments, drain.fd());
}

void copy_sync(const Arguments& arguments) {
  const int from = ::open(arguments[0].c_str(), O_RDONLY | O_CLOEXEC);
  const std::string temporary = arguments[1] + "~";
  const int to = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  require(from >= 0 && to >= 0, "open");
  const Meter meter;
  copy(from, to);
  require(::fsync(to) == 0, "fsync");
  require(std::rename(temporary.c_str(), arguments[1].c_str()) == 0, "rename");
  meter.print();
}

void file_to_socket(const Arguments& arguments) {
  const int from = ::open(arguments[0].c_str(), O_RDONLY | O_CLOEXEC);
  require(from >= 0, "open");
  const Drain drain;
  const Meter meter;
  copy(from, drain.fd());
  meter.print();
}

}  // namespace cobble::bench
