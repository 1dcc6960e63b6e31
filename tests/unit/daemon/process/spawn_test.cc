#include "daemon/process/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <string>

#include "daemon/base/fd.h"
#include "daemon/process/system.h"

using namespace cobble;
using process::spawn;
using process::SpawnRequest;

namespace {

struct Outcome {
  int code = -1;
  std::string output;
};

/// Runs a shell command to its end with its output in a pipe.
Outcome run(SpawnRequest request) {
  base::Pipe pipe = base::make_pipe();
  request.stdout_fd = pipe.write_end.get();
  request.stderr_fd = pipe.write_end.get();
  const auto pid = spawn(request);
  pipe.write_end.reset();
  if (!pid) return {-1, pid.error()};
  Outcome outcome;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::read(pipe.read_end.get(), buffer, sizeof buffer)) > 0;)
    outcome.output.append(buffer, static_cast<std::size_t>(count));
  int status = 0;
  ::waitpid(*pid, &status, 0);
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

SpawnRequest shell(const std::string& script) {
  SpawnRequest request;
  request.argv = {"/bin/sh", "-c", script};
  request.environment = process::daemon_environment();
  return request;
}

std::string error_of(std::vector<std::string> argv, std::string working_dir = "") {
  SpawnRequest request;
  request.argv = std::move(argv);
  request.working_dir = std::move(working_dir);
  const auto pid = spawn(request);
  return pid ? "(started)" : pid.error();
}

}  // namespace

TEST_CASE("a process gets its arguments, environment and directory, and gives its exit code") {
  SpawnRequest request = shell("echo \"$0 $1 $A\"; pwd; exit 7");
  request.argv.push_back("zero");
  request.argv.push_back("one two");
  request.environment = {"A=b"};
  request.working_dir = "/usr";
  const Outcome outcome = run(request);
  CHECK(outcome.output == "zero one two b\n/usr\n");
  CHECK(outcome.code == 7);
}

TEST_CASE("only the three standard descriptors are inherited, stdin is empty") {
  const base::UniqueFd leaking(::open("/dev/null", O_RDONLY));  // deliberately without O_CLOEXEC
  REQUIRE(leaking);
  const Outcome outcome = run(shell("ls /proc/self/fd | tr '\\n' ' '; wc -c"));
  CHECK(outcome.output == "0 1 2 3 0\n");  // 3 is ls's own directory
}

TEST_CASE("signals start unblocked and with their defaults") {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGUSR1);
  sigset_t before;
  ::sigprocmask(SIG_BLOCK, &set, &before);
  ::signal(SIGPIPE, SIG_IGN);
  const Outcome outcome = run(shell("grep -E 'SigBlk|SigIgn' /proc/self/status"));
  ::signal(SIGPIPE, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  CHECK(outcome.output == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_CASE("each process leads its own group, or its own session") {
  CHECK(run(shell("test $(ps -o pgid= -p $$) = $$")).code == 0);
  SpawnRequest request = shell("test $(ps -o sid= -p $$) = $$");
  request.new_session = true;
  CHECK(run(request).code == 0);
}

TEST_CASE("what can't be started is named as the reference does") {
  CHECK(error_of({}) == "exec: no command");
  CHECK(error_of({""}) == "exec: no command");
  CHECK(error_of({"some-bad-command"}) == "exec: \"some-bad-command\": executable file not found in $PATH");
  CHECK(error_of({"/nonexistent/thing"}) == "fork/exec /nonexistent/thing: no such file or directory");
  CHECK(error_of({"/etc/passwd"}) == "fork/exec /etc/passwd: permission denied");
  CHECK(error_of({"/"}) == "fork/exec /: permission denied");
  CHECK(error_of({"/bin/true"}, "/nonexistent") == "fork/exec /bin/true: no such file or directory");
  CHECK(error_of({"/bin/true"}, "/etc/passwd") == "fork/exec /bin/true: not a directory");
  CHECK(error_of({"/bin/true", std::string("a\0b", 3)}) == "fork/exec /bin/true: invalid argument");
  SpawnRequest request = shell("true");
  request.environment = {std::string("A=\0", 3)};
  CHECK(spawn(request).error() == "exec: environment variable contains NUL");
}

TEST_CASE("users are switched without supplementary groups") {
  if (::getuid() != 0) return;
  SpawnRequest request = shell("id -u; id -g; id -G");
  request.uid = 65534;
  request.gid = 65533;
  CHECK(run(request).output == "65534\n65533\n65533\n");
}

TEST_CASE("when the kernel has nothing to give, spawn says so") {
  struct Poor final : process::System {
    pid_t clone(int (*)(void*), void*, int, void*) override {
      errno = EAGAIN;
      return -1;
    }
  } poor;
  process::replace_system(&poor);
  const std::string error = error_of({"/bin/true"});
  process::replace_system(nullptr);
  CHECK(error == "fork/exec /bin/true: resource temporarily unavailable");
  CHECK(run(shell("exit 3")).code == 3);
}

TEST_CASE("an image without /dev/null has stand-ins") {
  struct Bare final : process::System {
    int open(const char*, int) override {
      errno = ENOENT;
      return -1;
    }
  } bare;
  process::replace_system(&bare);
  SpawnRequest request = shell("cat && echo discarded; exit 4");
  const auto pid = spawn(request);
  process::replace_system(nullptr);
  REQUIRE(pid);
  int status = 0;
  ::waitpid(*pid, &status, 0);
  CHECK(WEXITSTATUS(status) == 4);
}

TEST_CASE("environments are laid over by name") {
  CHECK(process::overlay({"A=1", "B=2"}, {{"B", "3"}, {"C", "4"}}) == std::vector<std::string>{"A=1", "B=3", "C=4"});
}
