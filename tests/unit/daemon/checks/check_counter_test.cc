#include "daemon/checks/check_counter.h"

#include <catch2/catch.hpp>
#include <random>
#include <string>

using cobble::checks::CheckCounter;
using Transition = CheckCounter::Transition;

namespace {

/// One letter a run: `s` success, `f` failure. Gives one letter a run: `.` nothing, `D` went down, `U` recovered.
std::string play(CheckCounter& counter, const std::string& runs) {
  std::string out;
  for (const char run : runs) {
    const auto transition = run == 's' ? counter.succeed() : counter.fail();
    out += transition == Transition::none ? '.' : transition == Transition::went_down ? 'D' : 'U';
  }
  return out;
}

}  // namespace

TEST_CASE("a check goes down at its threshold, once, and recovers at the first success") {
  struct Row {
    std::int64_t threshold;
    std::string runs;
    std::string transitions;
    bool down;
    std::int64_t successes;
    std::int64_t failures;
  };
  const Row rows[] = {
      {3, "", "", false, 0, 0},           {3, "ss", "..", false, 2, 0},
      {3, "ff", "..", false, 0, 2},       {3, "fff", "..D", true, 0, 3},
      {3, "fffff", "..D..", true, 0, 5},  {3, "ffsff", ".....", false, 1, 2},
      {1, "f", "D", true, 0, 1},          {2, "ssfsff", ".....D", true, 3, 2},
      {2, "ssffs", "...DU", false, 1, 0}, {2, "ssffss", "...DU.", false, 2, 0},
      {1, "fsfs", "DUDU", false, 1, 0},   {0, "f", "D", true, 0, 1},
      {-5, "f", "D", true, 0, 1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.threshold, row.runs);
    CheckCounter counter(row.threshold);
    CHECK(play(counter, row.runs) == row.transitions);
    CHECK(counter.down() == row.down);
    CHECK(counter.successes() == row.successes);
    CHECK(counter.failures() == row.failures);
  }
}

TEST_CASE("reset forgets the runs but not the threshold") {
  CheckCounter counter(2);
  play(counter, "sff");
  counter.reset();
  CHECK_FALSE(counter.down());
  CHECK(counter.successes() == 0);
  CHECK(counter.failures() == 0);
  CHECK(play(counter, "ff") == ".D");
}

TEST_CASE("whatever the runs, falls and recoveries take turns and down means failures at the threshold") {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    CheckCounter counter(1 + static_cast<std::int64_t>(random() % 4));
    bool down = false;
    for (int i = 0; i < 200; ++i) {
      const auto transition = random() % 3 == 0 ? counter.succeed() : counter.fail();
      if (transition == Transition::went_down) {
        REQUIRE_FALSE(down);
        REQUIRE(counter.failures() == counter.threshold());
      }
      if (transition == Transition::recovered) {
        REQUIRE(down);
        REQUIRE(counter.successes() == 1);
      }
      down = counter.down();
      REQUIRE(down == (counter.failures() >= counter.threshold()));
    }
  }
}
