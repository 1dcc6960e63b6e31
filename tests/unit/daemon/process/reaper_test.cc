#include "daemon/process/reaper.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>

#include "daemon/process/child.h"

using namespace cobble;
using namespace std::chrono_literals;

namespace {

process::SpawnRequest shell(const std::string& script) {
  process::SpawnRequest request;
  request.argv = {"/bin/sh", "-c", script};
  request.environment = process::daemon_environment();
  return request;
}

/// Runs the loop until a condition holds; a test that would hang ends.
template <typename Condition>
bool run_until(base::IoContext& loop, Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (!condition() && std::chrono::steady_clock::now() < deadline) loop.run_one_for(10ms);
  return condition();
}

bool is_zombie_or_gone(pid_t pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == pid;
}

bool is_reaped(pid_t pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

}  // namespace

TEST_CASE("exits are told with their code or signal") {
  base::IoContext loop;
  process::Reaper reaper(loop);
  std::vector<int> codes;
  std::vector<pid_t> pids;
  for (const char* script : {"exit 0", "exit 42", "kill -9 $$"}) {
    const auto pid = process::spawn(shell(script));
    REQUIRE(pid);
    pids.push_back(*pid);
    reaper.watch(*pid, [&](process::ExitStatus status) { codes.push_back(status.code); });
  }
  REQUIRE(run_until(loop, [&] { return codes.size() == 3; }));
  std::ranges::sort(codes);
  CHECK(codes == std::vector<int>{0, 42, 137});
  for (const pid_t pid : pids) {
    CHECK_FALSE(is_reaped(pid));
    reaper.release(pid);
    CHECK(is_reaped(pid));
  }
}

TEST_CASE("a released process is reaped when it ends, and its callback never comes") {
  base::IoContext loop;
  process::Reaper reaper(loop);
  bool called = false;
  const auto pid = process::spawn(shell("exec sleep 1000"));
  REQUIRE(pid);
  reaper.watch(*pid, [&](process::ExitStatus) { called = true; });
  reaper.release(*pid);
  process::signal_process(*pid, SIGKILL);
  CHECK(run_until(loop, [&] { return is_reaped(*pid); }));
  CHECK_FALSE(called);
}

TEST_CASE("orphans are reaped, also behind a leader that is kept") {
  base::IoContext loop;
  process::Reaper reaper(loop);
  bool leader_ended = false;
  // The shell leaves a grandchild behind that ends a little later as our child.
  const auto pid = process::spawn(shell("(sleep 0.1; exit 5) & exit 0"));
  REQUIRE(pid);
  reaper.watch(*pid, [&](process::ExitStatus) { leader_ended = true; });
  REQUIRE(run_until(loop, [&] { return leader_ended; }));
  CHECK(is_zombie_or_gone(*pid));
  CHECK(run_until(loop, [&] { return !process::group_alive(*pid); }));
  CHECK_FALSE(is_reaped(*pid));  // kept until it is released
  reaper.release(*pid);
  CHECK(run_until(loop, [] { return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD; }));
}

TEST_CASE("a child's group is killed whole") {
  base::IoContext loop;
  process::Reaper reaper(loop);
  auto child = process::Child::start(loop, reaper, shell("sleep 1000 & sleep 1000 & wait"));
  REQUIRE(child);
  const pid_t pid = (*child)->pid();
  CHECK(process::group_alive(pid));
  CHECK((*child)->signal_all(SIGKILL));
  std::optional<process::ExitStatus> status;
  base::spawn(loop, "wait", [](process::Child& one, std::optional<process::ExitStatus>& out) -> base::Task<void> {
    out = co_await one.wait();
  }(**child, status));
  REQUIRE(run_until(loop, [&] { return status.has_value(); }));
  CHECK(status->code == 137);
  CHECK(status->signal == SIGKILL);
  CHECK(run_until(loop, [&] { return !process::group_alive(pid); }));
}

TEST_CASE("a wait for a child has a deadline") {
  base::IoContext loop;
  process::Reaper reaper(loop);
  auto child = process::Child::start(loop, reaper, shell("exec sleep 1000"));
  REQUIRE(child);
  bool done = false;
  base::spawn(loop, "wait", [](process::Child& one, bool& out) -> base::Task<void> {
    out = !co_await one.wait_until(std::chrono::steady_clock::now() + 10ms);
  }(**child, done));
  CHECK(run_until(loop, [&] { return done; }));
  (*child)->signal_all(SIGKILL);
}

TEST_CASE("signal names") {
  CHECK(process::signal_number("SIGHUP", false) == SIGHUP);
  CHECK(process::signal_number("SIGSTKFLT", false) == SIGSTKFLT);
  for (const char* name : {"HUP", "sighup", "1", "SIGIOT", "SIGCLD", "SIGPOLL", "SIGUNUSED", "SIGRTMIN", ""})
    CHECK(process::signal_number(name, false) == 0);
  CHECK(process::signal_number("hup", true) == SIGHUP);
  CHECK(process::signal_number("15", true) == SIGTERM);
  CHECK(process::signal_number("0", true) == 0);
  CHECK(process::signal_number("nope", true) == 0);
}
