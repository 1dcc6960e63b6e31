#include "daemon/base/fd_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <thread>

#include "daemon/base/fd.h"

using namespace cobble::base;
using namespace std::chrono_literals;

TEST_CASE("blocks arrive whole and in order") {
  Pipe pipe = make_pipe();
  REQUIRE(pipe.read_end);
  std::string wanted;
  {
    FdWriter writer(pipe.write_end.get(), 1 << 20);
    for (int i = 0; i < 100; ++i) {
      const std::string line = "line " + std::to_string(i) + "\n";
      wanted += line;
      CHECK(writer.write(line));
    }
    writer.stop(10s);
  }
  pipe.write_end.reset();
  std::string got(wanted.size() + 1, '\0');
  const ssize_t count = ::read(pipe.read_end.get(), got.data(), got.size());
  REQUIRE(count == static_cast<ssize_t>(wanted.size()));
  got.resize(static_cast<std::size_t>(count));
  CHECK(got == wanted);
}

TEST_CASE("what is written can be read, and what waits isn't") {
  Pipe pipe = make_pipe();
  REQUIRE(pipe.read_end);
  REQUIRE(::fcntl(pipe.read_end.get(), F_SETFL, O_NONBLOCK) == 0);
  FdWriter writer(pipe.write_end.get(), 1 << 20);
  CHECK(writer.written(writer.position()));
  char got[100];
  for (int i = 0; i < 100; ++i) {
    CHECK(writer.write("a line\n"));
    while (!writer.written(writer.position())) std::this_thread::yield();
    CHECK(::read(pipe.read_end.get(), got, sizeof got) == 7);
  }
  const std::uint64_t before = writer.position();
  CHECK(writer.write(std::string(200'000, 'x')));
  CHECK(writer.written(before));
  CHECK_FALSE(writer.written(writer.position()));  // nobody reads
  pipe.read_end.reset();
  writer.stop(10s);
}

TEST_CASE("a reader that never reads costs only what doesn't fit") {
  Pipe pipe = make_pipe();
  REQUIRE(pipe.read_end);
  FdWriter writer(pipe.write_end.get(), 100'000);
  const std::string block(1000, 'x');
  for (int i = 0; i < 1000; ++i) writer.write(block);
  // At most the queue, a pipe's worth, and the block being written have been taken.
  CHECK(writer.dropped() >= 1000 - (100'000 + 65'536 + 16 * 1024) / 1000 - 2);
  writer.stop(1ms);
  CHECK_FALSE(writer.write("after the end"));
  pipe.read_end.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));  // ends the write with EPIPE
  writer.stop(10s);
}
