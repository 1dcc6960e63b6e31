#include "daemon/process/spawn.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "daemon/process/descriptors.h"
#include "daemon/process/lookup.h"
#include "daemon/process/system.h"

namespace cobble::process {
namespace {

/// A kernel in which chosen calls fail.
class FaultySystem : public System {
 public:
  int clone_error = 0;
  int close_range_error = 0;
  int null_error = 0;
  pid_t clone_vfork(int (*entry)(void*), void* top, void* argument) override {
    if (clone_error == 0) return System::clone_vfork(entry, top, argument);
    errno = clone_error;
    return -1;
  }
  int close_range(unsigned first) override {
    if (close_range_error == 0) return System::close_range(first);
    errno = close_range_error;
    return -1;
  }
};

int wait_code(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// What a shell script writes to stdout and stderr.
std::string output_of(const std::string& script, SpawnRequest request = {}) {
  auto pipe = base::make_pipe();
  request.argv = {"/bin/sh", "-c", script};
  if (request.environment.empty()) request.environment = daemon_environment();
  request.stdout_fd = request.stderr_fd = pipe.write_end.get();
  const auto pid = spawn(request);
  REQUIRE(pid);
  pipe.write_end.reset();
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t size; (size = ::read(pipe.read_end.get(), buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(size));
  wait_code(*pid);
  return text;
}

std::string error_of(SpawnRequest request) {
  const auto pid = spawn(request);
  if (!pid) return pid.error();
  wait_code(*pid);
  return "started";
}

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "spawn-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name, const std::string& text, mode_t mode) {
    const std::string path = path_ + "/" + name;
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST_CASE("a process runs with its arguments, environment and directory") {
  SpawnRequest request;
  request.environment = {"GREETING=hello"};
  request.working_dir = "/usr";
  CHECK(output_of("echo $GREETING; pwd; echo err >&2", request) == "hello\n/usr\nerr\n");
}

TEST_CASE("a process leads its own group, in the daemon's session unless it gets its own") {
  const auto ids = "read a b c d pgrp sid rest < /proc/self/stat; [ $pgrp = $$ ] && echo leader; [ $sid = $$ ] && echo session";
  CHECK(output_of(ids) == "leader\n");
  SpawnRequest request;
  request.new_session = true;
  CHECK(output_of(ids, request) == "leader\nsession\n");
}

TEST_CASE("nothing but descriptors 0 to 2 gets into a process") {
  const auto leak = base::UniqueFd(::open("/", O_RDONLY));  // without close-on-exec on purpose
  FaultySystem faulty;
  const ScopedSystem scope(faulty);
  for (const int error : {0, ENOSYS, EPERM}) {
    faulty.close_range_error = error;
    const auto text = output_of("cd /proc/self/fd && for f in [0-9] [0-9][0-9]; do [ -e $f ] && echo $f; done; true");
    CHECK(text.substr(0, 6) == "0\n1\n2\n");
    CHECK(text.find(std::to_string(leak.get())) == std::string::npos);
  }
}

TEST_CASE("signals are unblocked and have their defaults") {
  sigset_t set, before;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGUSR1);
  ::sigprocmask(SIG_BLOCK, &set, &before);
  const auto old = ::signal(SIGUSR2, SIG_IGN);
  const auto text = output_of("exec grep -E '^Sig(Blk|Ign)' /proc/self/status");
  ::signal(SIGUSR2, old);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  CHECK(text == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_CASE("one descriptor may be several of a process's, also a low one") {
  CHECK(output_of("cat; echo out; echo err >&2") == "out\nerr\n");
}

TEST_CASE("failures to start have the reference's words") {
  Folder folder;
  const auto text_file = folder.file("text", "no program\n", 0755);
  const auto plain = folder.file("plain", "#!/bin/sh\n", 0644);
  const auto lost = folder.file("lost", "#!/nonexistent/interpreter\n", 0755);
  CHECK(error_of({.argv = {}}) == "exec: no command");
  CHECK(error_of({.argv = {""}}) == "exec: no command");
  CHECK(error_of({.argv = {"no-such-command"}}) == "exec: \"no-such-command\": executable file not found in $PATH");
  CHECK(error_of({.argv = {"/nonexistent/x"}}) == "fork/exec /nonexistent/x: no such file or directory");
  CHECK(error_of({.argv = {plain}}) == "fork/exec " + plain + ": permission denied");
  CHECK(error_of({.argv = {lost}}) == "fork/exec " + lost + ": no such file or directory");
  CHECK(error_of({.argv = {text_file}}) == "fork/exec " + text_file + ": exec format error");
  CHECK(error_of({.argv = {"/bin/true"}, .working_dir = "/nonexistent"}) == "fork/exec /bin/true: no such file or directory");
  CHECK(error_of({.argv = {"/bin/true"}, .working_dir = plain}) == "fork/exec /bin/true: not a directory");
  CHECK(error_of({.argv = {"/bin/true", std::string("a\0b", 3)}}) == "fork/exec /bin/true: invalid argument");
  CHECK(error_of({.argv = {"/bin/true"}, .environment = {std::string("A=\0", 3)}}) == "exec: environment variable contains NUL");
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);  // no zombie is left
}

TEST_CASE("a kernel without room for a process is reported") {
  FaultySystem faulty;
  const ScopedSystem scope(faulty);
  faulty.clone_error = EAGAIN;
  CHECK(error_of({.argv = {"/bin/true"}}) == "fork/exec /bin/true: resource temporarily unavailable");
  faulty.clone_error = 0;
  CHECK(error_of({.argv = {"/bin/true"}}) == "started");
}

TEST_CASE("commands are looked for in absolute directories only") {
  Folder folder;
  folder.file("tool", "#!/bin/sh\n", 0755);
  CHECK(find_command("tool", "/nonexistent:" + folder.path() + "//").value() == folder.path() + "/tool");
  CHECK(find_command("a/b", "").value() == "a/b");
  CHECK(find_command("tool", "").error() == "exec: \"tool\": executable file not found in $PATH");
  CHECK(find_command("..", "/usr").error() == "exec: \"..\": executable file not found in $PATH");
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  for (const auto* path : {":/bin", ".", "/nonexistent:."})
    CHECK(find_command("tool", path).error() == "exec: \"tool\": cannot run executable found relative to current directory");
  std::filesystem::current_path(before);
}

TEST_CASE("variables are laid over an environment") {
  CHECK(overlay({"A=1", "B=2"}, {{"B", "x=y"}, {"C", ""}}) == std::vector<std::string>{"A=1", "B=x=y", "C="});
}

/// A kernel that is out of descriptors until the reserve has been given up.
class ExhaustedSystem : public System {
 public:
  int failures = 0;
  base::Pipe pipe() override {
    if (failures-- > 0) {
      errno = EMFILE;
      return {};
    }
    return System::pipe();
  }
};

TEST_CASE("pipes for output come from a reserve when descriptors have run out") {
  CHECK(make_output_pipe().read_end);  // fills the reserve
  ExhaustedSystem exhausted;
  const ScopedSystem scope(exhausted);
  exhausted.failures = 1;
  CHECK(make_output_pipe().read_end);
  exhausted.failures = 2;
  CHECK_FALSE(make_output_pipe().read_end);
  CHECK(make_output_pipe().read_end);
}

}  // namespace
}  // namespace cobble::process
