#include "daemon/process/child.h"

#include <signal.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <cerrno>

namespace cobble::process {
namespace {

SpawnRequest shell(const std::string& script) {
  return {.argv = {"/bin/sh", "-c", script}, .environment = daemon_environment()};
}

std::unique_ptr<Child> start(base::IoContext& loop, Reaper& reaper, const SpawnRequest& request) {
  auto child = Child::start(loop, reaper, request);
  REQUIRE(child);
  return std::move(*child);
}

/// Runs the loop until `done`; the deadline only keeps a broken test from hanging.
template <typename Condition>
bool run_until(base::IoContext& loop, Condition done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!done() && std::chrono::steady_clock::now() < deadline) {
    loop.restart();
    loop.run_one_for(std::chrono::milliseconds(100));
  }
  return done();
}

base::Task<void> note_end(Child& child, std::optional<ExitStatus>& status) {
  status = co_await child.wait();
}

TEST_CASE("a child's end is told to who waits, and to who asks later") {
  base::IoContext loop;
  Reaper reaper(loop);
  const auto child = start(loop, reaper, shell("exit 7"));
  REQUIRE(child);
  std::optional<ExitStatus> first, second;
  base::spawn(loop, "test", note_end(*child, first));
  REQUIRE(run_until(loop, [&] { return first.has_value(); }));
  CHECK(first->code == 7);
  base::spawn(loop, "test", note_end(*child, second));
  REQUIRE(run_until(loop, [&] { return second.has_value(); }));
  CHECK(second->code == 7);
  CHECK_FALSE(child->signal(SIGTERM));
  CHECK(errno == ESRCH);
}

TEST_CASE("death by a signal is 128 and its number") {
  base::IoContext loop;
  Reaper reaper(loop);
  const auto child = start(loop, reaper, shell("exec sleep 1000"));
  REQUIRE(child->signal(SIGKILL));
  REQUIRE(run_until(loop, [&] { return child->status().has_value(); }));
  CHECK(child->status()->code == 137);
  CHECK(child->status()->signal == SIGKILL);
}

TEST_CASE("a dead leader's group can still be signalled, and nobody else gets it") {
  base::IoContext loop;
  Reaper reaper(loop);
  pid_t leader = 0;
  {
    const auto child = start(loop, reaper, shell("sleep 1000 & exit 0"));
    leader = child->pid();
    REQUIRE(run_until(loop, [&] { return child->status().has_value(); }));
    CHECK(child->signal_all(SIGKILL));
  }
  CHECK(run_until(loop, [&] { return !group_alive(leader); }));
}

TEST_CASE("the end of a child object ends a process that still runs") {
  base::IoContext loop;
  Reaper reaper(loop);
  pid_t pid = 0;
  {
    const auto child = start(loop, reaper, shell("exec sleep 1000"));
    pid = child->pid();
  }
  CHECK(run_until(loop, [&] { return ::kill(pid, 0) != 0; }));
}

TEST_CASE("many children end at once beside one that is kept unreaped") {
  base::IoContext loop;
  Reaper reaper(loop);
  auto kept = start(loop, reaper, shell("exit 1"));
  REQUIRE(run_until(loop, [&] { return kept->status().has_value(); }));
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < 200; ++i) children.push_back(start(loop, reaper, shell("kill -STOP $$; exit 3")));
  for (auto& child : children) child->signal(SIGKILL);
  CHECK(run_until(loop,
                  [&] { return std::ranges::all_of(children, [](const auto& child) { return child->status().has_value(); }); }));
}

TEST_CASE("orphans are reaped") {
  base::IoContext loop;
  Reaper reaper(loop);
  auto child = start(loop, reaper, shell("(sleep 0.05; exit 0) & (exit 0) & exit 0"));
  const pid_t leader = child->pid();
  REQUIRE(run_until(loop, [&] { return child->status().has_value(); }));
  child.reset();
  CHECK(run_until(loop, [&] { return !group_alive(leader); }));
  CHECK(run_until(loop, [&] { return ::waitpid(-1, nullptr, WNOHANG) == -1; }));
}

TEST_CASE("signals by name") {
  CHECK(signal_number("SIGHUP", false) == SIGHUP);
  CHECK(signal_number("SIGSYS", false) == SIGSYS);
  for (const auto* name : {"HUP", "sighup", "1", "SIGIOT", "SIGCLD", "SIGPOLL", "SIGRTMIN", ""})
    CHECK(signal_number(name, false) == 0);
  for (const auto* name : {"HUP", "hup", "SigHup", "1"}) CHECK(signal_number(name, true) == SIGHUP);
  for (const auto* name : {"0", "-1", "65", "1x", "", "SIG", "NOPE", "99999999999"}) CHECK(signal_number(name, true) == 0);
}

}  // namespace
}  // namespace cobble::process
