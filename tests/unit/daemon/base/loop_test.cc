#include "daemon/base/loop.h"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "daemon/base/blocking.h"

using namespace cobble::base;
using namespace std::chrono_literals;

namespace {

Task<void> wait_for(Event& event, SteadyTime deadline, std::string& result) {
  result = "waiting";
  const bool notified = co_await event.wait_until(deadline);
  result = notified ? "notified" : "not";
}

}  // namespace

TEST_CASE("an event wakes those who wait now, and nobody later") {
  IoContext loop;
  Event event(loop);
  std::string first;
  std::string second;
  spawn(loop, "first", wait_for(event, SteadyTime::max(), first));
  loop.poll();
  CHECK(first == "waiting");
  event.notify_all();
  spawn(loop, "second", wait_for(event, std::chrono::steady_clock::now(), second));
  loop.run();
  CHECK(first == "notified");
  CHECK(second == "not");
}

TEST_CASE("an event that is destroyed ends the waits") {
  IoContext loop;
  auto event = std::make_unique<Event>(loop);
  std::string result;
  spawn(loop, "wait", wait_for(*event, SteadyTime::max(), result));
  loop.poll();
  event.reset();
  loop.run();
  CHECK(result == "not");
}

TEST_CASE("a cancelled coroutine's wait ends") {
  IoContext loop;
  Event event(loop);
  std::string result;
  const auto cancel = spawn_cancellable(loop, "wait", wait_for(event, SteadyTime::max(), result));
  loop.poll();
  CHECK(result == "waiting");
  cancel();
  loop.run();
  CHECK(result != "notified");
  cancel();  // harmless when it has ended
  event.notify_all();
}

TEST_CASE("a timer that was started again or cancelled never calls the earlier callback") {
  IoContext loop;
  int early = 0;
  int late = 0;
  Timer timer(loop);
  timer.start(0ns, [&] { ++early; });
  timer.start(1ns, [&] { ++late; });
  loop.run();
  CHECK(early == 0);
  CHECK(late == 1);
  loop.restart();
  {
    Timer gone(loop);
    gone.start(0ns, [&] { ++early; });
  }
  timer.start(0ns, [&] { ++early; });
  timer.cancel();
  loop.run();
  CHECK(early == 0);
}

TEST_CASE("what escapes a coroutine or a handler doesn't end the loop") {
  IoContext loop;
  bool after = false;
  spawn(loop, "thrower", []() -> Task<void> {
    throw std::runtime_error("escaped");
    co_return;
  }());
  boost::asio::post(loop, [] { throw std::runtime_error("thrown"); });
  boost::asio::post(loop, [&] { after = true; });
  run_loop(loop);
  CHECK(after);
}

TEST_CASE("blocking work comes back with its value or its exception") {
  IoContext loop;
  int value = 0;
  std::string caught;
  spawn(loop, "work", [](int& out, std::string& error) -> Task<void> {
    out = co_await blocking([] { return 42; });
    try {
      co_await blocking([]() -> int { throw std::runtime_error("from the pool"); });
    } catch (const std::runtime_error& e) {
      error = e.what();
    }
  }(value, caught));
  loop.run();
  CHECK(value == 42);
  CHECK(caught == "from the pool");
}
