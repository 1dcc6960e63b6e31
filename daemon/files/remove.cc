#include "daemon/files/remove.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/base/fd.h"
#include "daemon/files/path.h"
#include "daemon/files/temp_name.h"
#include "layers/quote.h"

namespace cobble::files {

namespace {

/// Directories open at the same time; what lies deeper is first moved up.
constexpr std::size_t max_open = 64;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

/// Removes the tree below one directory entry. Works on descriptors, so that a path changed by others leads nowhere else.
class TreeRemover {
 public:
  base::Result<void> remove(int parent, const std::string& name, const std::string& path);

 private:
  struct Level {
    Directory entries;
    std::string name;
    bool removed_some = false;  ///< in this pass over the entries
    bool failed = false;        ///< something in it can't be removed
  };

  int parent_of_top() const { return levels_.size() > 1 ? ::dirfd(levels_[levels_.size() - 2].entries.get()) : parent_; }
  std::string path_of(std::string_view name) const;
  void note(std::string_view operation, std::string_view path, int error);
  bool unlink_entry(int directory, const std::string& name, std::string_view path, bool& is_directory);
  void descend(const std::string& name);
  void move_up(const std::string& name);
  void step();
  void leave();

  int parent_ = -1;
  std::string path_;
  std::vector<Level> levels_;
  std::optional<base::Error> first_error_;
};

std::string TreeRemover::path_of(std::string_view name) const {
  std::string path = path_;
  for (std::size_t i = 1; i < levels_.size(); ++i) path += "/" + levels_[i].name;
  return name.empty() ? path : path.append("/").append(name);
}

void TreeRemover::note(std::string_view operation, std::string_view path, int error) {
  if (!first_error_) first_error_ = os_error(operation, path, error);
  if (!levels_.empty()) levels_.back().failed = true;
}

/// True when the entry is gone, also an empty directory; otherwise either `is_directory`, or its error has been noted.
bool TreeRemover::unlink_entry(int directory, const std::string& name, std::string_view path, bool& is_directory) {
  is_directory = false;
  if (::unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) return true;
  const int error = errno;
  struct stat there{};
  is_directory = ::fstatat(directory, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(there.st_mode);
  if (!is_directory) {
    note("unlinkat", path, error);
    return false;
  }
  return ::unlinkat(directory, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT;
}

void TreeRemover::descend(const std::string& name) {
  const int parent = levels_.empty() ? parent_ : ::dirfd(levels_.back().entries.get());
  base::UniqueFd opened(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!opened) {
    if (errno != ENOENT) note("openfdat", levels_.empty() ? path_ : path_of(name), errno);
    return;
  }
  Directory entries(::fdopendir(opened.get()));
  if (!entries) return note("openfdat", levels_.empty() ? path_ : path_of(name), errno);
  static_cast<void>(opened.release());
  levels_.push_back({std::move(entries), name});
}

/// A directory too deep to be entered becomes an entry of the topmost one, whose turn comes again.
void TreeRemover::move_up(const std::string& name) {
  const int here = ::dirfd(levels_.back().entries.get());
  const int top = ::dirfd(levels_.front().entries.get());
  if (::renameat(here, name.c_str(), top, temp_name("remove", "~").c_str()) != 0) return note("unlinkat", path_of(name), errno);
  levels_.front().removed_some = true;
  levels_.back().removed_some = true;
}

void TreeRemover::step() {
  Level& level = levels_.back();
  errno = 0;
  const dirent* entry = ::readdir(level.entries.get());
  if (entry == nullptr) return leave();
  const std::string name = entry->d_name;
  if (name == "." || name == "..") return;
  bool is_directory = false;
  if (unlink_entry(::dirfd(level.entries.get()), name, path_of(name), is_directory)) {
    level.removed_some = true;
  } else if (is_directory && levels_.size() < max_open) {
    descend(name);
  } else if (is_directory) {
    move_up(name);
  }
}

/// All entries were seen: the directory goes, or is looked through again when entries came or were missed.
void TreeRemover::leave() {
  Level& level = levels_.back();
  if (::unlinkat(parent_of_top(), level.name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    const int error = errno;
    if ((error == ENOTEMPTY || error == EEXIST) && level.removed_some) {
      level.removed_some = false;
      ::rewinddir(level.entries.get());
      return;
    }
    // What can't be removed in it has been noted already.
    if (!level.failed) note("unlinkat", path_of({}), error);
    levels_.pop_back();
    if (!levels_.empty()) levels_.back().failed = true;
    return;
  }
  levels_.pop_back();
  if (!levels_.empty()) levels_.back().removed_some = true;
}

base::Result<void> TreeRemover::remove(int parent, const std::string& name, const std::string& path) {
  parent_ = parent;
  path_ = path;
  bool is_directory = false;
  if (!unlink_entry(parent, name, path, is_directory) && is_directory) descend(name);
  while (!levels_.empty()) step();
  if (first_error_) return std::unexpected(*first_error_);
  return {};
}

}  // namespace

base::Result<void> remove_one(const std::string& path) {
  if (has_nul(path)) return std::unexpected(os_error("remove", layers::quote(path), EINVAL));
  if (::unlink(path.c_str()) == 0) return {};
  const int error = errno;
  if (::rmdir(path.c_str()) == 0) return {};
  return std::unexpected(os_error("remove", path, errno == ENOTDIR ? error : errno));
}

base::Result<void> remove_all(const std::string& path) {
  if (has_nul(path)) return std::unexpected(os_error("RemoveAll", layers::quote(path), EINVAL));
  std::string trimmed = path;
  while (trimmed.size() > 1 && trimmed.ends_with('/')) trimmed.pop_back();
  const std::string name = base_name(trimmed);
  if (name == "/" || name == "." || name == "..") return std::unexpected(os_error("RemoveAll", path, EINVAL));
  // The directory part as it stands, since the kernel resolves links and `..` on the way.
  const std::string parent_path = trimmed.substr(0, trimmed.size() - name.size());
  const base::UniqueFd parent(::open(parent_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!parent) {
    if (errno == ENOENT) return {};
    const bool in_the_way = errno == ENOTDIR;
    return std::unexpected(os_error(in_the_way ? "unlinkat" : "open", in_the_way ? path : directory_of(trimmed), errno));
  }
  if (::faccessat(parent.get(), ".", X_OK, AT_EACCESS) != 0 && errno == EACCES)
    return std::unexpected(os_error("open", directory_of(trimmed), errno));
  return TreeRemover().remove(parent.get(), name, trimmed);
}

}  // namespace cobble::files
