#include "daemon/base/stream.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <thread>

using namespace cobble::base;

namespace {

/// A stream, and the other end of its connection.
struct Pair {
  explicit Pair(IoContext& loop) {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    Socket socket(loop);
    socket.assign(Socket::protocol_type(AF_UNIX, 0), ends[0]);
    stream = make_plain_stream(std::move(socket));
    peer = ends[1];
  }
  ~Pair() { ::close(peer); }

  std::unique_ptr<Stream> stream;
  int peer = -1;
};

/// Bytes that differ from one place to the next.
std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + i / 251);
  return text;
}

Task<void> write_parts(Stream& stream, std::string_view text, std::size_t part, ErrorCode& error, bool& done) {
  while (!text.empty() && !error) {
    const std::string_view now = text.substr(0, part);
    co_await stream.write(now.substr(0, now.size() / 3), now.substr(now.size() / 3), error);
    text.remove_prefix(now.size());
  }
  done = true;
}

}  // namespace

TEST_CASE("what is written arrives whole and in order, also what the socket doesn't take at once") {
  const std::string text = pattern(3'000'000);
  for (const std::size_t part : {std::size_t{1000}, std::size_t{100'000}, text.size()}) {
    IoContext loop;
    Pair pair(loop);
    std::string arrived;
    std::thread reader([&arrived, fd = pair.peer, size = text.size()] {
      std::array<char, 5000> bytes;
      while (arrived.size() < size) {
        const ssize_t count = ::read(fd, bytes.data(), bytes.size());
        if (count <= 0) break;
        arrived.append(bytes.data(), static_cast<std::size_t>(count));
      }
    });
    ErrorCode error;
    bool done = false;
    spawn(loop, "writer", write_parts(*pair.stream, text, part, error, done));
    loop.run();
    pair.stream->close();
    reader.join();
    CHECK_FALSE(error);
    CHECK(done);
    CHECK(arrived == text);
  }
}

TEST_CASE("a write to a peer that is gone is an error") {
  IoContext loop;
  Pair pair(loop);
  ::shutdown(pair.peer, SHUT_RD);
  ErrorCode error;
  bool done = false;
  spawn(loop, "writer", write_parts(*pair.stream, "text", 4, error, done));
  loop.run();
  CHECK(done);
  CHECK(error);
}
