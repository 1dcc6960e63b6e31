#include "daemon/process/usage.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <ctime>

using namespace cobble::process;

TEST_CASE("a process's usage: what it holds can be seen to grow") {
  const auto before = usage_of(::getpid());
  REQUIRE(before);
  CHECK(before->resident_bytes > 100'000);
  CHECK(before->open_fds >= 3);
  const int more = ::dup(0);
  const auto after = usage_of(::getpid());
  ::close(more);
  REQUIRE(after);
  CHECK(after->open_fds == before->open_fds + 1);
  CHECK(after->cpu_seconds >= before->cpu_seconds);
}

TEST_CASE("nobody's usage") {
  CHECK_FALSE(usage_of(0x7ffffff0));
}

TEST_CASE("this process started a while ago") {
  const auto start = own_start_time();
  REQUIRE(start);
  CHECK(*start <= static_cast<double>(::time(nullptr)) + 2);
  CHECK(*start > static_cast<double>(::time(nullptr)) - 86'400);
}
