#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <string_view>

#include "tests/bench/yardstick.h"

namespace cobble::bench {

namespace {

/// A connection to a unix socket that has asked for a target.
class Client {
 public:
  Client(const std::string& path, const std::string& target)
      : request_("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    require(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "connect");
  }
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  int fd() const { return fd_; }

  void ask() {
    answer_.clear();
    require(::write(fd_, request_.data(), request_.size()) == static_cast<ssize_t>(request_.size()), "write");
  }

  /// Reads what is there; the new bytes.
  std::string_view read() {
    std::array<char, 256 * 1024> bytes;
    const ssize_t count = ::read(fd_, bytes.data(), bytes.size());
    require(count > 0, "read");
    const std::size_t before = answer_.size();
    answer_.append(bytes.data(), static_cast<std::size_t>(count));
    return std::string_view(answer_).substr(before);
  }

  /// Whether a whole answer is there: one with Content-Length, or with chunks of which the last is empty.
  bool complete() const {
    const std::size_t head = answer_.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    if (!answer_.starts_with("HTTP/1.1 200")) require(false, answer_.c_str());
    constexpr std::string_view length_name = "Content-Length: ";
    const std::size_t length = answer_.find(length_name);
    if (length > head) return answer_.ends_with("\r\n0\r\n\r\n");
    std::size_t size = 0;
    std::from_chars(answer_.data() + length + length_name.size(), answer_.data() + head, size);
    return answer_.size() == head + 4 + size;
  }

  void forget() { answer_.clear(); }

 private:
  std::string request_;
  int fd_;
  std::string answer_;
};

}  // namespace

void http_load(const Arguments& arguments) {
  const std::size_t count = number(arguments[2]);
  std::uint64_t to_ask = number(arguments[3]);
  std::uint64_t to_come = to_ask;
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<pollfd> polls;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<Client>(arguments[0], arguments[1]));
    polls.push_back({clients.back()->fd(), POLLIN, 0});
  }
  const Meter meter;
  for (std::size_t i = 0; i < count && to_ask > 0; ++i, --to_ask) clients[i]->ask();
  while (to_come > 0) {
    require(::poll(polls.data(), polls.size(), -1) > 0, "poll");
    for (std::size_t i = 0; i < count; ++i) {
      if (polls[i].revents == 0) continue;
      clients[i]->read();
      if (!clients[i]->complete()) continue;
      --to_come;
      if (to_ask == 0) continue;
      --to_ask;
      clients[i]->ask();
    }
  }
  meter.print();
}

void http_count(const Arguments& arguments) {
  std::uint64_t left = number(arguments[2]);
  Client client(arguments[0], arguments[1]);
  client.ask();
  const Meter meter;
  while (left > 0) {
    // Each line is an object.
    const std::string_view bytes = client.read();
    const auto lines = static_cast<std::uint64_t>(std::ranges::count(bytes, '}'));
    left -= std::min(left, lines);
    client.forget();
  }
  meter.print();
}

}  // namespace cobble::bench
