#include "layers/duration.h"

#include <catch2/catch.hpp>
#include <limits>

using cobble::layers::format_duration;
using cobble::layers::Nanoseconds;
using cobble::layers::parse_duration;

TEST_CASE("durations are read") {
  const std::pair<const char*, long long> table[] = {
      {"0", 0},
      {"+0", 0},
      {"1s", 1'000'000'000},
      {".5s", 500'000'000},
      {"1.s", 1'000'000'000},
      {"1s1s", 2'000'000'000},
      {"1m1h", 3'660'000'000'000},
      {"-1ms", -1'000'000},
      {"1us", 1'000},
      {"1\xC2\xB5s", 1'000},
      {"1\xCE\xBCs", 1'000},
      {"0.0000000001s", 0},
      {"9223372036s", 9'223'372'036'000'000'000},
      {"2562047h47m16.854775807s", std::numeric_limits<long long>::max()},
      {"-2562047h47m16.854775808s", std::numeric_limits<long long>::min()},
  };
  for (const auto& [text, wanted] : table) {
    INFO(text);
    const auto read = parse_duration(text);
    REQUIRE(read);
    CHECK(read->count() == wanted);
  }
}

TEST_CASE("bad durations are named") {
  const std::pair<const char*, const char*> table[] = {
      {"", R"(time: invalid duration "")"},
      {"abc", R"(time: invalid duration "abc")"},
      {"1", R"(time: missing unit in duration "1")"},
      {"1d", R"(time: unknown unit "d" in duration "1d")"},
      {" 10ms", R"(time: invalid duration " 10ms")"},
      {"9223372037s", R"(time: invalid duration "9223372037s")"},
      {"1\xC3\xA9", R"(time: unknown unit "\xc3\xa9" in duration "1\xc3\xa9")"},
      {".s", R"(time: invalid duration ".s")"},
  };
  for (const auto& [text, wanted] : table) {
    INFO(text);
    const auto read = parse_duration(text);
    REQUIRE_FALSE(read);
    CHECK(read.error() == wanted);
  }
}

TEST_CASE("durations are written") {
  const std::pair<long long, const char*> table[] = {
      {0, "0s"},
      {1, "1ns"},
      {1'500, "1.5\xC2\xB5s"},
      {999'999'000, "999.999ms"},
      {1'500'000'000, "1.5s"},
      {90'000'000'000, "1m30s"},
      {3'600'000'000'000, "1h0m0s"},
      {-90'000'000'000, "-1m30s"},
      {604'800'000'000'000, "168h0m0s"},
      {std::numeric_limits<long long>::min(), "-2562047h47m16.854775808s"},
  };
  for (const auto& [count, wanted] : table) CHECK(format_duration(Nanoseconds(count)) == wanted);
}
