#include <time.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string_view>

#include "tests/bench/yardstick.h"

namespace cobble::bench {

namespace {

double seconds(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Work {
  std::string_view name;
  std::size_t least_arguments;
  void (*run)(const Arguments&);
};

constexpr Work works[] = {
    {"pipe-read", 1, pipe_read},       {"pipe-to-socket", 1, pipe_to_socket},
    {"copy-sync", 2, copy_sync},       {"file-to-socket", 1, file_to_socket},
    {"spawn", 2, spawn_many},          {"run", 2, run_many},
    {"first-answer", 2, first_answer}, {"http-server", 2, http_server},
    {"http-load", 4, http_load},       {"http-count", 3, http_count},
    {"yaml-pass", 1, yaml_pass},
};

}  // namespace

Meter::Meter() : wall_(seconds(CLOCK_MONOTONIC)), cpu_(seconds(CLOCK_THREAD_CPUTIME_ID)) {}

void Meter::print() const {
  std::printf("{\"wall\": %.9f, \"cpu\": %.9f}\n", seconds(CLOCK_MONOTONIC) - wall_, seconds(CLOCK_THREAD_CPUTIME_ID) - cpu_);
}

std::uint64_t number(const std::string& text) {
  char* end = nullptr;
  const std::uint64_t value = std::strtoull(text.c_str(), &end, 10);
  errno = EINVAL;
  require(!text.empty() && *end == '\0', text.c_str());
  return value;
}

void require(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "yardstick: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

}  // namespace cobble::bench

int main(int argc, char** argv) {
  const std::string_view name = argc > 1 ? argv[1] : "";
  const cobble::bench::Arguments arguments(argv + (argc > 1 ? 2 : 1), argv + argc);
  for (const auto& work : cobble::bench::works) {
    if (work.name != name || arguments.size() < work.least_arguments) continue;
    work.run(arguments);
    return 0;
  }
  std::fprintf(stderr, "see tests/bench/yardstick.h\n");
  return 2;
}
