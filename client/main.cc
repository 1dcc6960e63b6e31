#include "client/commands/main.h"

#include <cstdio>
#include <vector>

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + (argc > 0 ? 1 : 0), argv + argc);
  const auto no_daemon = [](const auto&) {
    std::fputs("cannot run daemon: not part of this build\n", stderr);
    return 1;
  };
  return cobble::client::run_command_line(args, {.run = no_daemon, .enter = no_daemon});
}
