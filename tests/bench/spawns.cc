#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string_view>

#include "tests/bench/child.h"

namespace cobble::bench {

namespace {

using Argv = std::vector<char*>;

Argv argv_of(const Arguments& arguments, std::size_t first) {
  Argv argv;
  for (std::size_t i = first; i < arguments.size(); ++i) argv.push_back(const_cast<char*>(arguments[i].c_str()));
  argv.push_back(nullptr);
  return argv;
}

/// Whether a daemon answers a request on its socket.
bool answers(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool answered = false;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    constexpr std::string_view request = "GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n";
    char first = 0;
    answered = ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0 && ::recv(fd, &first, 1, 0) == 1;
  }
  ::close(fd);
  return answered;
}

}  // namespace

pid_t start(const Arguments& arguments, std::size_t first, int output) {
  const Argv argv = argv_of(arguments, first);
  const pid_t pid = ::vfork();
  if (pid == 0) {
    if (output >= 0) ::dup2(output, STDOUT_FILENO);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  require(pid > 0, "vfork");
  return pid;
}

void await(pid_t pid) {
  require(::waitpid(pid, nullptr, 0) == pid, "waitpid");
}

void spawn_many(const Arguments& arguments) {
  std::vector<pid_t> started(number(arguments[0]));
  const Meter meter;
  for (pid_t& pid : started) pid = start(arguments, 1, -1);
  meter.print();
  for (const pid_t pid : started) ::kill(pid, SIGKILL);
  for (const pid_t pid : started) await(pid);
}

void run_many(const Arguments& arguments) {
  const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  for (std::uint64_t left = number(arguments[0]); left > 0; --left) {
    const Meter meter;
    await(start(arguments, 1, null));
    meter.print();
  }
}

void first_answer(const Arguments& arguments) {
  const Meter meter;
  const pid_t pid = start(arguments, 1, -1);
  while (!answers(arguments[0])) ::usleep(50);
  meter.print();
  std::fflush(stdout);
  ::kill(pid, SIGTERM);
  await(pid);
}

}  // namespace cobble::bench
