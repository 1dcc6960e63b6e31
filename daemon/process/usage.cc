#include "daemon/process/usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/fd.h"

namespace cobble::process {

namespace {

/// A file of /proc, at most 1 MiB of it; empty when it can't be read.
std::string read_all(const std::string& path) {
  static constexpr std::size_t limit = 1024 * 1024;
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 4096> buffer;
  while (fd && text.size() < limit) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// The fields behind the command's name, which may itself hold blanks and brackets: the first is the state (field 3 of proc(5)).
std::vector<std::string_view> stat_fields(std::string_view stat) {
  std::vector<std::string_view> fields;
  const auto end_of_name = stat.rfind(')');
  if (end_of_name == std::string_view::npos) return fields;
  std::string_view rest = stat.substr(end_of_name + 1);
  while (!rest.empty()) {
    const auto begin = rest.find_first_not_of(" \n");
    if (begin == std::string_view::npos) break;
    rest.remove_prefix(begin);
    const auto end = std::min(rest.find_first_of(" \n"), rest.size());
    fields.push_back(rest.substr(0, end));
    rest.remove_prefix(end);
  }
  return fields;
}

std::uint64_t count_entries(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
  std::uint64_t count = 0;
  if (!directory) return count;
  while (const dirent* entry = ::readdir(directory.get()))
    if (entry->d_name[0] != '.') ++count;
  return count;
}

}  // namespace

std::optional<Usage> usage_of(pid_t pid) {
  const std::string directory = "/proc/" + std::to_string(pid);
  const std::string stat = read_all(directory + "/stat");
  const auto fields = stat_fields(stat);
  if (fields.size() < 22) return std::nullopt;
  Usage usage;
  std::uint64_t ticks = 0;
  for (std::size_t field = 11; field <= 14; ++field) ticks += number(fields[field]);  // utime, stime, cutime, cstime
  usage.cpu_seconds = static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  usage.resident_bytes = number(fields[21]) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  usage.open_fds = count_entries(directory + "/fd");
  return usage;
}

std::map<std::string, Usage> usages_of(const std::map<std::string, pid_t>& processes) {
  std::map<std::string, Usage> usages;
  for (const auto& [name, pid] : processes)
    if (const auto usage = usage_of(pid)) usages.emplace(name, *usage);
  return usages;
}

std::optional<double> own_start_time() {
  const std::string own = read_all("/proc/self/stat");
  const auto fields = stat_fields(own);
  const std::string stat = read_all("/proc/stat");
  static constexpr std::string_view boot = "\nbtime ";
  const auto at = stat.find(boot);
  if (fields.size() < 20 || at == std::string::npos) return std::nullopt;
  return static_cast<double>(number(std::string_view(stat).substr(at + boot.size()))) +
         static_cast<double>(number(fields[19])) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace cobble::process
