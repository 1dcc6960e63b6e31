#include "daemon/services/service_machine.h"

#include <signal.h>

#include <catch2/catch.hpp>
#include <map>
#include <random>

namespace cobble::services {
namespace {

using namespace std::chrono_literals;

/// A machine with a pretended clock; launches succeed unless told otherwise.
class Bench {
 public:
  explicit Bench(double jitter = 0) : machine("svc", [jitter] { return jitter; }) {
    config.name = "svc";
    config.command = "run it";
  }

  layers::Service config;
  ServiceMachine machine;
  Nanoseconds time{0};
  std::string launch_error;
  pid_t next_pid = 100;
  std::vector<std::string> told;  ///< what came out since `take` was called last
  std::map<std::uint64_t, pid_t> living;

  Moment now() const { return {SteadyTime(1h + time), WallTime(24h + time)}; }

  void carry_out(const Actions& actions) {
    for (const auto& action : actions) {
      Actions more;
      if (const auto* launch = std::get_if<Launch>(&action)) {
        if (!launch_error.empty()) {
          machine.launch_failed(launch_error, now(), more);
        } else {
          living[launch->number] = next_pid;
          machine.launched(next_pid++, now());
          told.push_back("launch");
        }
      } else if (const auto* signal = std::get_if<SignalGroup>(&action)) {
        told.push_back(signal->signal == SIGKILL ? "KILL" : "TERM");
      } else if (const auto* start = std::get_if<FinishStart>(&action)) {
        told.push_back("start: " + start->error + (start->with_output ? " +output" : ""));
      } else if (const auto* stop = std::get_if<FinishStop>(&action)) {
        told.push_back("stop: " + stop->error);
      } else if (const auto* log = std::get_if<Log>(&action)) {
        told.push_back(log->text);
      } else {
        told.push_back("shutdown " + std::to_string(static_cast<int>(std::get<Shutdown>(action).kind)));
      }
      carry_out(more);
    }
  }

  std::string start() {
    Actions out;
    const Reply reply = machine.start(config, out);
    carry_out(out);
    return reply.kind == Reply::Kind::wait ? "wait" : reply.text;
  }
  std::string stop() {
    Actions out;
    const Reply reply = machine.stop(now(), out);
    carry_out(out);
    return reply.kind == Reply::Kind::wait ? "wait" : reply.text;
  }
  void end(int code, bool leftovers = false) { end_of(machine.launch_number(), code, leftovers); }
  void end_of(std::uint64_t launch, int code, bool leftovers = false) {
    living.erase(launch);
    Actions out;
    machine.process_ended(launch, code, leftovers, now(), out);
    carry_out(out);
  }
  void group_end() {
    Actions out;
    machine.group_ended(machine.launch_number(), now(), out);
    carry_out(out);
  }
  void check() {
    Actions out;
    machine.check_failed("chk", now(), out);
    carry_out(out);
  }
  void abort() {
    Actions out;
    machine.abort_start(now(), out);
    carry_out(out);
  }
  void pass(Nanoseconds duration) {
    time += duration;
    Actions out;
    machine.timer(now(), out);
    carry_out(out);
  }
  std::vector<std::string> take() { return std::exchange(told, {}); }
  void run() {
    start();
    pass(okay_delay);
    take();
  }
};

using Told = std::vector<std::string>;

TEST_CASE("a process that lives for the okay delay has been started") {
  Bench bench;
  CHECK(bench.machine.current() == Current::inactive);
  CHECK_FALSE(bench.machine.current_since());
  CHECK(bench.start() == "wait");
  CHECK(bench.take() == Told{"launch"});
  CHECK(bench.machine.current() == Current::active);
  const auto since = bench.machine.current_since();
  bench.pass(okay_delay - 1ns);
  CHECK(bench.take().empty());
  bench.pass(1ns);
  CHECK(bench.take() == Told{"start: "});
  CHECK(bench.machine.state() == State::running);
  CHECK(bench.machine.current_since() == since);
  CHECK(bench.start() == "Service \"svc\" already started.");
  CHECK(bench.take().empty());
}

TEST_CASE("an early end fails the start, and the plan's action follows") {
  struct Row {
    std::string on_success, on_failure;
    int code;
    std::string word;
    State state;
  };
  const std::vector<Row> rows{
      {"", "", 0, "restart", State::backoff},         {"", "", 3, "restart", State::backoff},
      {"ignore", "", 0, "ignore", State::stopped},    {"", "ignore", 137, "ignore", State::exited},
      {"shutdown", "", 0, "shutdown", State::exited}, {"failure-shutdown", "", 0, "failure-shutdown", State::exited},
      {"", "shutdown", 1, "shutdown", State::exited}, {"", "success-shutdown", 1, "success-shutdown", State::exited},
  };
  for (const auto& row : rows) {
    Bench bench;
    bench.config.on_success = row.on_success;
    bench.config.on_failure = row.on_failure;
    bench.start();
    bench.take();
    bench.pass(10ms);
    bench.end(row.code);
    const auto told = bench.take();
    CHECK(told.front() == "Service \"svc\" stopped unexpectedly with code " + std::to_string(row.code));
    CHECK(told.back() == "start: service start attempt: exited quickly with code " + std::to_string(row.code) + ", will " +
                             row.word + " +output");
    CHECK(bench.machine.state() == row.state);
    bench.pass(400ms);
    CHECK(bench.machine.state() == row.state);
  }
}

TEST_CASE("shutdown actions say which kind they are") {
  struct Row {
    std::string action;
    int code;
    ShutdownKind kind;
    std::string line;
  };
  const std::vector<Row> rows{
      {"shutdown", 0, ShutdownKind::success, "on-success action is \"shutdown\", triggering success shutdown"},
      {"shutdown", 1, ShutdownKind::failure, "on-failure action is \"shutdown\", triggering failure shutdown"},
      {"failure-shutdown", 0, ShutdownKind::failure, "on-success action is \"failure-shutdown\", triggering failure shutdown"},
      {"success-shutdown", 1, ShutdownKind::success, "on-failure action is \"success-shutdown\", triggering success shutdown"},
  };
  for (const auto& row : rows) {
    Bench bench;
    bench.config.on_success = bench.config.on_failure = row.action;
    bench.run();
    bench.end(row.code);
    const auto told = bench.take();
    REQUIRE(told.size() == 3);
    CHECK(told[1] == "Service \"svc\" " + row.line);
    CHECK(told[2] == "shutdown " + std::to_string(static_cast<int>(row.kind)));
    CHECK(bench.machine.current() == Current::error);
  }
}

TEST_CASE("waits grow to the limit, are forgotten after a quiet time, and by a start") {
  Bench bench;
  bench.config.backoff_delay = 100ms;
  bench.config.backoff_factor = 3;
  bench.config.backoff_limit = 1s;
  bench.run();
  int count = 0;
  for (const auto wait : {100ms, 300ms, 900ms, 1000ms, 1000ms}) {
    bench.end(1);
    CHECK(bench.take()[1].ends_with("waiting ~" + std::string(wait == 1000ms ? "1s" : std::to_string(wait.count()) + "ms") +
                                    " before restart (backoff " + std::to_string(++count) + ")"));
    CHECK(bench.machine.current() == Current::backoff);
    CHECK(bench.machine.next_restart() == bench.now().wall + wait);
    bench.pass(wait - 1ns);
    CHECK(bench.take().empty());
    bench.pass(1ns);
    CHECK(bench.take() == Told{"launch"});
    CHECK(bench.machine.state() == State::running);
  }
  bench.pass(1s);
  bench.end(1);
  CHECK(bench.take()[1].ends_with("waiting ~100ms before restart (backoff 1)"));
  bench.pass(100ms);
  bench.end(1);
  CHECK(bench.take()[2].ends_with("waiting ~300ms before restart (backoff 2)"));
  CHECK(bench.start() == "wait");
  bench.end(1);
  CHECK(bench.take()[2].ends_with("waiting ~100ms before restart (backoff 1)"));
}

TEST_CASE("the first wait isn't capped, and chance adds a tenth at most") {
  Bench bench(0.1);
  bench.config.backoff_delay = 900ms;
  bench.config.backoff_limit = 700ms;
  bench.run();
  bench.end(1);
  CHECK(bench.take()[1].ends_with("waiting ~900ms before restart (backoff 1)"));
  bench.pass(989ms);
  CHECK(bench.machine.state() == State::backoff);
  bench.pass(1ms);
  CHECK(bench.machine.state() == State::running);
  bench.end(1);
  CHECK(bench.take()[2].ends_with("waiting ~700ms before restart (backoff 2)"));
}

TEST_CASE("extreme plan values don't overflow") {
  Bench bench;
  bench.config.backoff_delay = Nanoseconds::max();
  bench.config.backoff_limit = Nanoseconds::max();
  bench.config.backoff_factor = 1e300;
  bench.config.kill_delay = Nanoseconds::max();
  bench.run();
  for (int i = 0; i < 3; ++i) {
    bench.end(1);
    CHECK(*bench.machine.deadline() > bench.now().steady);
    bench.start();
  }
  bench.stop();
  CHECK(*bench.machine.deadline() > bench.now().steady);
}

TEST_CASE("a launch that fails ends a start; in backoff it is tried again") {
  Bench bench;
  bench.launch_error = "cannot start service: no";
  bench.start();
  CHECK(bench.take() == Told{"start: cannot start service: no"});
  CHECK(bench.machine.state() == State::stopped);
  CHECK(bench.machine.current_since());
  CHECK(bench.machine.last_error() == "cannot start service: no");
  bench.launch_error.clear();
  bench.run();
  CHECK(bench.machine.last_error().empty());
  bench.end(1);
  bench.take();
  bench.launch_error = "vanished";
  bench.pass(500ms);
  CHECK(bench.take() ==
        Told{"vanished", "Service \"svc\" on-failure action is \"restart\", waiting ~1s before restart (backoff 2)"});
  bench.launch_error.clear();
  bench.pass(1s);
  CHECK(bench.machine.state() == State::running);
}

TEST_CASE("stop terminates, then kills, then gives up but never forgets the process") {
  Bench bench;
  bench.config.kill_delay = 2s;
  bench.run();
  CHECK(bench.stop() == "wait");
  CHECK(bench.take() == Told{"TERM"});
  CHECK(bench.stop() == "Service \"svc\" already stopping.");
  CHECK(bench.start() == "cannot start service while terminating");
  const auto since = bench.machine.current_since();
  bench.pass(2s - 1ns);
  CHECK(bench.take().empty());
  bench.pass(1ns);
  CHECK(bench.take() == Told{"KILL"});
  CHECK(bench.start() == "cannot start service while killing");
  bench.pass(fail_delay);
  CHECK(bench.take() == Told{"Service \"svc\" still running after SIGTERM and SIGKILL",
                             "stop: cannot stop service: process still running after SIGTERM and SIGKILL"});
  CHECK(bench.start() == "cannot start service while killing");
  CHECK(bench.machine.current() == Current::inactive);
  bench.end(137);
  CHECK(bench.machine.state() == State::stopped);
  CHECK(bench.machine.current_since() == since);
  CHECK(bench.start() == "wait");
}

TEST_CASE("what is left of the group is waited for, and killed when the kill delay is over") {
  Bench bench;
  bench.run();
  bench.stop();
  bench.take();
  SECTION("it goes by itself") {
    bench.end(143, true);
    CHECK(bench.take().empty());
    CHECK(bench.start() == "cannot start service while terminating");
    bench.group_end();
    CHECK(bench.take() == Told{"Service \"svc\" stopped", "stop: "});
  }
  SECTION("it doesn't") {
    bench.end(143, true);
    bench.pass(5s);
    CHECK(bench.take() == Told{"KILL", "Service \"svc\" stopped", "stop: "});
    CHECK(bench.machine.state() == State::stopped);
  }
}

TEST_CASE("stops of services that don't run") {
  Bench bench;
  bench.config.on_failure = "ignore";
  CHECK(bench.stop() == "Service \"svc\" already stopped.");
  bench.run();
  bench.end(1);
  CHECK(bench.machine.current() == Current::error);
  CHECK(bench.stop() == "Service \"svc\" had already exited.");
  CHECK(bench.machine.current() == Current::inactive);
  bench.config.on_failure = "restart";
  bench.run();
  bench.end(1);
  bench.take();
  CHECK(bench.stop().empty());
  CHECK(bench.take() == Told{"Service \"svc\" stopped while waiting for backoff"});
  bench.pass(1h);
  CHECK(bench.take().empty());
}

TEST_CASE("a stop within the okay delay fails the start") {
  Bench bench;
  bench.start();
  bench.take();
  CHECK(bench.stop() == "wait");
  CHECK(bench.take() == Told{"start: service start attempt: stopped before the 1s okay delay +output", "TERM"});
  bench.end(143);
  CHECK(bench.take() == Told{"Service \"svc\" stopped", "stop: "});
}

TEST_CASE("an aborted start is killed at once") {
  Bench bench;
  bench.start();
  bench.take();
  bench.abort();
  CHECK(bench.take() == Told{"start: start aborted, sent SIGKILL to process", "KILL"});
  CHECK(bench.machine.current() == Current::inactive);
  bench.end(137);
  CHECK(bench.machine.state() == State::stopped);
  bench.run();
  bench.abort();
  CHECK(bench.take().empty());
  CHECK(bench.machine.state() == State::running);
}

TEST_CASE("timers of an earlier life don't shorten a later one") {
  Bench bench;
  bench.config.kill_delay = 2s;
  bench.start();
  bench.pass(600ms);
  bench.stop();
  bench.pass(100ms);
  bench.end(143);
  bench.start();
  bench.take();
  bench.pass(300ms);  // a second after the first start
  CHECK(bench.take().empty());
  bench.pass(700ms);
  CHECK(bench.take() == Told{"start: "});
  bench.stop();
  bench.take();
  bench.pass(1400ms);
  CHECK(bench.take().empty());
  bench.pass(600ms);
  CHECK(bench.take() == Told{"KILL"});
}

TEST_CASE("the end of an old process doesn't touch the new one") {
  Bench bench;
  bench.run();
  const auto old = bench.machine.launch_number();
  bench.stop();
  bench.end(143);
  bench.run();
  bench.end_of(old, 9);
  CHECK(bench.take().empty());
  CHECK(bench.machine.state() == State::running);
}

TEST_CASE("a failed check ends the process in order to start it again") {
  Bench bench;
  bench.config.on_check_failure = {{"chk", "restart"}};
  bench.start();
  bench.take();
  bench.check();
  CHECK(bench.take().empty());  // within the okay delay nothing happens
  bench.pass(okay_delay);
  bench.take();
  bench.check();
  CHECK(bench.take() ==
        Told{"Service \"svc\" on-check-failure action is \"restart\", terminating process before restarting", "TERM"});
  SECTION("it comes back after a backoff") {
    bench.end(0);
    CHECK(bench.take() ==
          Told{"Service \"svc\" exited after check failure, restarting",
               "Service \"svc\" on-check-failure action is \"restart\", waiting ~500ms before restart (backoff 1)"});
    bench.check();
    CHECK(bench.take() == Told{"Service \"svc\" on-check-failure action is \"restart\", waiting for current backoff"});
    bench.pass(500ms);
    CHECK(bench.machine.state() == State::running);
  }
  SECTION("but a stop wins") {
    CHECK(bench.stop() == "Service \"svc\" already stopping.");
    bench.end(143);
    CHECK(bench.take() == Told{"Service \"svc\" stopped"});
    bench.pass(1h);
    CHECK(bench.take().empty());
  }
}

TEST_CASE("other actions of failed checks") {
  Bench bench;
  bench.config.on_failure = "ignore";
  bench.config.on_check_failure = {{"chk", "shutdown"}, {"other", "restart"}};
  bench.run();
  bench.check();
  CHECK(bench.take() ==
        Told{"Service \"svc\" on-check-failure action is \"shutdown\", triggering failure shutdown", "shutdown 2"});
  CHECK(bench.machine.state() == State::running);
  bench.config.on_check_failure = {{"chk", "success-shutdown"}};
  bench.start();
  bench.check();
  CHECK(bench.take() ==
        Told{"Service \"svc\" on-check-failure action is \"success-shutdown\", triggering success shutdown", "shutdown 0"});
  bench.config.on_check_failure = {{"chk", "ignore"}};
  bench.start();
  bench.check();
  CHECK(bench.take().empty());
  bench.config.on_check_failure = {{"chk", "restart"}};
  bench.start();
  bench.end(1);
  bench.take();
  bench.check();
  CHECK(bench.machine.state() == State::backoff);
}

TEST_CASE("restarts by itself keep the configuration; a replan compares with what the process has") {
  Bench bench;
  bench.run();
  const auto first = bench.config;
  bench.config.command = "another";
  CHECK(bench.machine.config() == first);
  bench.start();  // adopts, but the process is the old one
  CHECK(bench.machine.config() == bench.config);
  CHECK(bench.machine.effective_config() == first);
  bench.end(1);
  CHECK(bench.machine.effective_config() == bench.config);
}

/// Random events: whatever comes, these must hold.
TEST_CASE("no sequence of events breaks the rules") {
  std::mt19937 random(20261123);
  for (int round = 0; round < 2000; ++round) {
    Bench bench;
    bench.config.kill_delay = 1s;
    bench.config.on_failure = std::vector<std::string>{"restart", "ignore", "shutdown"}[random() % 3];
    bench.config.on_success = std::vector<std::string>{"restart", "ignore", "shutdown"}[random() % 3];
    bench.config.on_check_failure = {{"chk", random() % 2 ? "restart" : "shutdown"}};
    int starts_waiting = 0, stops_waiting = 0;
    for (int step = 0; step < 60; ++step) {
      bench.launch_error = random() % 8 == 0 ? "no luck" : "";
      const auto state_before = bench.machine.state();
      switch (random() % 9) {
        case 0:
        case 1:
          if (bench.start() == "wait") ++starts_waiting;
          break;
        case 2:
          if (bench.stop() == "wait") ++stops_waiting;
          break;
        case 3:
          if (!bench.living.empty()) bench.end(static_cast<int>(random() % 2), random() % 3 == 0);
          break;
        case 4:
          bench.group_end();
          break;
        case 5:
          bench.check();
          break;
        case 6:
          bench.abort();
          break;
        case 7:
          bench.pass(std::chrono::milliseconds(random() % 1500));
          break;
        default: {  // stale news
          const auto since = bench.machine.current_since();
          if (bench.machine.launch_number() > 0) bench.end_of(bench.machine.launch_number() - 1, 1);
          bench.pass(0ns);
          if (!bench.machine.deadline() || *bench.machine.deadline() > bench.now().steady) {
            CHECK(bench.machine.current_since() == since);
          }
        }
      }
      for (const auto& text : bench.take()) {
        if (text.starts_with("start: ")) --starts_waiting;
        if (text.starts_with("stop: ")) --stops_waiting;
      }
      INFO("round " << round << ", step " << step << ", from " << state_word(state_before) << " to "
                    << state_word(bench.machine.state()));
      REQUIRE(bench.living.size() <= 1);
      REQUIRE((bench.machine.has_process() || bench.living.empty()));
      REQUIRE(bench.machine.next_restart().has_value() == (bench.machine.state() == State::backoff));
      REQUIRE((starts_waiting == 0 || bench.machine.state() == State::starting));
      REQUIRE((starts_waiting == 0 || starts_waiting == 1));
      const bool ending = bench.machine.state() == State::terminating || bench.machine.state() == State::killing;
      REQUIRE((stops_waiting == 0 || (stops_waiting == 1 && ending)));
    }
  }
}

}  // namespace
}  // namespace cobble::services
