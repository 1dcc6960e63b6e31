#include "daemon/checks/ticker.h"

#include <catch2/catch.hpp>

using cobble::base::SteadyTime;
using cobble::checks::Ticker;
using namespace std::chrono_literals;

namespace {
const SteadyTime start = SteadyTime() + 1h;
}

TEST_CASE("the first tick comes one period after the start, the others without drift") {
  Ticker ticker(500ms, start);
  CHECK_FALSE(ticker.due(start + 499ms));
  CHECK(ticker.due(start + 500ms));
  ticker.serve(start + 503ms);
  CHECK(ticker.next() == start + 1s);
  ticker.serve(start + 1s);
  CHECK(ticker.next() == start + 1500ms);
}

TEST_CASE("of the ticks that pass during a run one is kept, the others are lost") {
  Ticker ticker(500ms, start);
  ticker.serve(start + 500ms);
  const SteadyTime run_ended = start + 2100ms;  // ticks at 1.0, 1.5 and 2.0 s have passed
  CHECK(ticker.due(run_ended));
  ticker.serve(run_ended);
  CHECK(ticker.next() == start + 2500ms);
  CHECK_FALSE(ticker.due(run_ended));
}

TEST_CASE("runs as long as the period follow each other back to back") {
  Ticker ticker(500ms, start);
  for (int run = 1; run <= 5; ++run) {
    const SteadyTime now = start + run * 500ms + 1ms;
    REQUIRE(ticker.due(now));
    ticker.serve(now);
  }
  CHECK(ticker.next() == start + 3s);
}

TEST_CASE("a restart begins a whole period") {
  Ticker ticker(500ms, start);
  ticker.restart(start + 200ms);
  CHECK(ticker.next() == start + 700ms);
}

TEST_CASE("a period that would never let the daemon rest is a millisecond") {
  for (const auto period : {-1s, 0s}) CHECK(Ticker(period, start).next() == start + 1ms);
}
