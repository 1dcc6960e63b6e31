#include "daemon/logs/service_log.h"

#include <catch2/catch.hpp>

#include "tests/unit/daemon/logs/fixture.h"

namespace cobble::logs {
namespace {

using Lines = std::vector<std::string>;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("The tail for a task log") {
  LogsFixture f;
  ServiceLog& log = f.manager.service("s");
  CHECK(log.tail_lines(20) == Lines{""});
  f.say("s", "one\n\n  indented\nlast \t\n\n\n");
  CHECK(log.tail_lines(20) == Lines{"one", "", "  indented", "last"});
  f.say("s", "tail");
  CHECK(log.tail_lines(2) == Lines{"(...)", "", "", "tail"});
  log.begin_launch();
  f.say("s", "new run\n");
  CHECK(log.tail_lines(2) == Lines{"(...)", "tail", "new run"});
}

TEST_CASE("Twenty lines are no more than twenty") {
  LogsFixture f;
  for (int i = 0; i < 20; ++i) f.say("s", "line\n");
  CHECK(f.manager.service("s").tail_lines(20).size() == 20);
  f.say("s", "line\n");
  CHECK(f.manager.service("s").tail_lines(20).front() == "(...)");
}

/// Holds while told to, and counts what it hears.
struct Holder final : Subscriber {
  bool holding = false;
  int heard = 0;
  void log_grew(ServiceLog&) override { ++heard; }
  void log_removed(ServiceLog&) override {}
  bool holds_back(const ServiceLog&) const override { return holding; }
};

TEST_CASE("A subscriber hears of output before it can be overwritten, and may hold its source back") {
  LogsFixture f;
  Holder holder;
  f.manager.add(holder);
  ServiceLog& log = f.manager.service("s");
  f.say("s", std::string(5000, '\n'));
  CHECK(holder.heard == 3);
  CHECK_FALSE(log.held_back());
  holder.holding = true;
  CHECK(log.held_back());
  int resumed = 0;
  log.when_released([&] { ++resumed; });
  log.check_hold();
  CHECK(resumed == 0);
  holder.holding = false;
  log.check_hold();
  CHECK(resumed == 1);
  CHECK_FALSE(log.held_back());
  f.manager.remove(holder);
}

TEST_CASE("A hold ends by itself when its holder stands still") {
  LogsFixture f;
  Holder holder;
  f.manager.add(holder);
  ServiceLog& log = f.manager.service("s");
  holder.holding = true;
  REQUIRE(log.held_back());
  bool resumed = false;
  log.when_released([&] { resumed = true; });
  base::Timer timer(f.loop);
  timer.start(milliseconds(10), [&] { holder.holding = false; });
  f.loop.run();
  CHECK(resumed);
  f.manager.remove(holder);
}

TEST_CASE("What was held in the last ten seconds") {
  HoldMeter meter;
  const base::SteadyTime start(seconds(1000));
  CHECK(meter.held(start) == base::Nanoseconds(0));
  meter.add(start, start + milliseconds(1500));
  meter.add(start + seconds(3), start + milliseconds(3050));
  CHECK(meter.held(start + seconds(4)) == milliseconds(1550));
  CHECK(meter.held(start + seconds(12)) == milliseconds(50));
  CHECK(meter.held(start + seconds(20)) == milliseconds(0));
}

}  // namespace
}  // namespace cobble::logs
