#include "daemon/process/lookup.h"

#include <sys/stat.h>

#include "layers/quote.h"

namespace cobble::process {

namespace {

bool is_executable_file(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode) && (info.st_mode & 0111) != 0;
}

}  // namespace

std::expected<std::string, std::string> find_command(std::string_view word, std::string_view search_path) {
  if (word.empty()) return std::unexpected("exec: no command");
  if (word.contains('/')) return std::string(word);
  const std::string named = "exec: " + layers::quote(word) + ": ";
  const bool findable = !word.contains('\0') && word != "." && word != "..";
  while (findable && !search_path.empty()) {
    const std::size_t end = search_path.find(':');
    std::string_view directory = search_path.substr(0, end);
    search_path = end == std::string_view::npos ? std::string_view() : search_path.substr(end + 1);
    const bool relative = !directory.starts_with('/');
    while (directory.ends_with('/')) directory.remove_suffix(1);
    const std::string path =
        relative && directory.empty() ? "./" + std::string(word) : std::string(directory) + "/" + std::string(word);
    if (!is_executable_file(path)) continue;
    if (relative) return std::unexpected(named + "cannot run executable found relative to current directory");
    return path;
  }
  return std::unexpected(named + "executable file not found in $PATH");
}

}  // namespace cobble::process
