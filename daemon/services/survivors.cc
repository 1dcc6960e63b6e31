#include "daemon/services/survivors.h"

#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "daemon/base/json.h"
#include "daemon/base/json_writer.h"
#include "daemon/process/reaper.h"

namespace cobble::services {

namespace {

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The state and start time of a process; none when it is gone, a zombie, or /proc is missing.
std::optional<std::uint64_t> start_time(pid_t pid) {
  const std::string text = read_text("/proc/" + std::to_string(pid) + "/stat");
  // The name in parentheses may hold anything; after its last parenthesis come the state and then numbers, of which the 19th is
  // wanted.
  const auto after = text.rfind(')');
  if (after == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(after + 1));
  std::string state, skipped;
  fields >> state;
  for (int i = 0; i < 18; ++i) fields >> skipped;
  std::uint64_t ticks = 0;
  if (!(fields >> ticks) || state == "Z" || state == "X") return std::nullopt;
  return ticks;
}

std::uint64_t pid_namespace() {
  static const std::uint64_t inode = [] {
    struct stat info{};
    return ::stat("/proc/self/ns/pid", &info) == 0 ? static_cast<std::uint64_t>(info.st_ino) : 0;
  }();
  return inode;
}

const std::string& kernel_boot_id() {
  static const std::string id = [] {
    std::string text = read_text("/proc/sys/kernel/random/boot_id");
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }();
  return id;
}

/// Waits until the process is gone, at most `limit`.
base::Task<bool> wait_gone(ProcessMark mark, base::Nanoseconds limit) {
  constexpr base::Nanoseconds longest_pause = std::chrono::milliseconds(50);
  const auto deadline = std::chrono::steady_clock::now() + limit;
  base::Nanoseconds pause = std::chrono::milliseconds(1);
  while (still_lives(mark)) {
    if (std::chrono::steady_clock::now() >= deadline || !co_await base::sleep_for(pause)) co_return false;
    pause = std::min(pause * 2, longest_pause);
  }
  co_return true;
}

}  // namespace

std::optional<ProcessMark> mark_process(pid_t pid) {
  const auto ticks = start_time(pid);
  if (!ticks) return std::nullopt;
  return ProcessMark{pid, *ticks, pid_namespace(), kernel_boot_id()};
}

bool still_lives(const ProcessMark& mark) {
  return mark.pid > 1 && mark.pid_namespace == pid_namespace() && !mark.boot_id.empty() && mark.boot_id == kernel_boot_id() &&
         start_time(mark.pid) == mark.start_time;
}

std::string write_marks(const ProcessMarks& marks) {
  base::JsonWriter json;
  json.begin_object();
  for (const auto& [name, mark] : marks) {
    json.key(name);
    json.begin_object();
    json.field("pid", mark.pid);
    json.field("start-time", mark.start_time);
    json.field("pid-namespace", mark.pid_namespace);
    json.field("boot-id", mark.boot_id);
    json.end_object();
  }
  json.end_object();
  return json.take();
}

ProcessMarks read_marks(std::string_view text) {
  ProcessMarks marks;
  const auto json = base::parse_json(text);
  if (!json || !json->is_object()) return marks;
  for (const auto& [name, value] : json->items()) {
    if (!value.is_object()) continue;
    base::JsonFields fields(value);
    std::int64_t pid = 0, ticks = 0, space = 0;
    ProcessMark mark;
    fields.read("pid", pid);
    fields.read("start-time", ticks);
    fields.read("pid-namespace", space);
    fields.read("boot-id", mark.boot_id);
    if (fields.error() || pid <= 1 || pid > std::numeric_limits<pid_t>::max()) continue;
    mark.pid = static_cast<pid_t>(pid);
    mark.start_time = static_cast<std::uint64_t>(ticks);
    mark.pid_namespace = static_cast<std::uint64_t>(space);
    marks.emplace(name, std::move(mark));
  }
  return marks;
}

base::Task<void> end_survivor(ProcessMark mark, base::Nanoseconds kill_delay) {
  constexpr base::Nanoseconds after_kill = std::chrono::seconds(5);
  if (!still_lives(mark)) co_return;
  process::signal_group(mark.pid, SIGTERM);
  if (co_await wait_gone(mark, kill_delay)) co_return;
  process::signal_group(mark.pid, SIGKILL);
  co_await wait_gone(mark, after_kill);
}

}  // namespace cobble::services
