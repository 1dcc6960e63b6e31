#include "daemon/files/list.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/base/json_writer.h"
#include "daemon/base/time.h"
#include "daemon/files/glob.h"
#include "daemon/files/path.h"
#include "daemon/process/users.h"
#include "layers/quote.h"

namespace cobble::files {

namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

std::string_view type_text(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "file";
    case S_IFDIR:
      return "directory";
    case S_IFLNK:
      return "symlink";
    case S_IFSOCK:
      return "socket";
    case S_IFIFO:
      return "named-pipe";
    case S_IFBLK:
    case S_IFCHR:
      return "device";
    default:
      return "unknown";
  }
}

/// Writes entries one after the other; names of users and groups are looked up once.
class EntryWriter {
 public:
  EntryWriter() { json_.begin_array(); }

  void add(std::string_view path, std::string_view name, const struct stat& info);
  std::string take() {
    json_.end_array();
    return json_.take();
  }

 private:
  base::JsonWriter json_;
  std::map<uid_t, std::string> users_;
  std::map<gid_t, std::string> groups_;
};

std::string modification_time(const struct stat& info) {
  // What the clock of the daemon can't say becomes the nearest that it can.
  constexpr std::int64_t last = 9'223'372'035;
  const std::int64_t seconds = std::clamp<std::int64_t>(info.st_mtim.tv_sec, -last, last);
  return base::format_local_seconds(base::WallTime(std::chrono::seconds(seconds)));
}

void EntryWriter::add(std::string_view path, std::string_view name, const struct stat& info) {
  json_.begin_object();
  json_.field("path", path);
  json_.field("name", name);
  json_.field("type", type_text(info.st_mode));
  if (S_ISREG(info.st_mode)) json_.field("size", static_cast<std::int64_t>(info.st_size));
  const mode_t mode = info.st_mode & 0777;
  const std::array<char, 3> digits{static_cast<char>('0' + (mode >> 6)), static_cast<char>('0' + ((mode >> 3) & 7)),
                                   static_cast<char>('0' + (mode & 7))};
  json_.field("permissions", std::string_view(digits.data(), digits.size()));
  json_.field("last-modified", modification_time(info));
  auto user = users_.find(info.st_uid);
  if (user == users_.end())
    user = users_.emplace(info.st_uid, process::find_user_name(info.st_uid).value_or(std::string())).first;
  auto group = groups_.find(info.st_gid);
  if (group == groups_.end())
    group = groups_.emplace(info.st_gid, process::find_group_name(info.st_gid).value_or(std::string())).first;
  json_.field("user-id", info.st_uid);
  json_.field("user", user->second);
  json_.field("group-id", info.st_gid);
  json_.field("group", group->second);
  json_.end_object();
}

base::Result<std::vector<std::string>> names_in(DIR* directory, const std::string& path) {
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(directory);
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return std::unexpected(os_error("readdirent", path, errno));
  std::ranges::sort(names);
  return names;
}

base::Result<std::string> list_directory(const std::string& path, const std::optional<Glob>& glob) {
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
  if (!directory) return std::unexpected(os_error("open", path, errno));
  const auto names = names_in(directory.get(), path);
  if (!names) return std::unexpected(names.error());
  const std::string clean = clean_path(path);
  const std::string prefix = clean == "/" ? clean : clean + "/";
  EntryWriter entries;
  for (const std::string& name : *names) {
    struct stat info{};
    if (glob && !glob->matches(name)) continue;
    if (::fstatat(::dirfd(directory.get()), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;
      return std::unexpected(os_error("lstat", prefix + name, errno));
    }
    entries.add(prefix + name, name, info);
  }
  return entries.take();
}

}  // namespace

base::Result<std::string> list_files(const std::string& path, std::string_view pattern, bool itself) {
  struct stat info{};
  if (has_nul(path)) return std::unexpected(os_error("stat", layers::quote(path), EINVAL));
  if (::stat(path.c_str(), &info) != 0) return std::unexpected(os_error("stat", path, errno));
  std::optional<Glob> glob;
  if (!pattern.empty()) {
    auto parsed = Glob::parse(pattern);
    if (!parsed) return std::unexpected(generic_error(parsed.error()));
    glob = std::move(*parsed);
  }
  if (S_ISDIR(info.st_mode) && !itself) return list_directory(path, glob);
  const std::string clean = clean_path(path);
  const std::string name = base_name(clean);
  EntryWriter entries;
  if (!glob || glob->matches(name)) entries.add(clean, name, info);
  return entries.take();
}

}  // namespace cobble::files
