#include "daemon/files/make_dirs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <mutex>

#include "daemon/files/path.h"
#include "daemon/files/sync.h"
#include "daemon/files/temp_name.h"
#include "layers/quote.h"

namespace cobble::files {

namespace {

constexpr int attempts = 100;

/// 0 when `path` is a directory or a link to one; ENOTDIR when something else is there; else what stat says.
int look_for_directory(const std::string& path) {
  struct stat there{};
  if (::stat(path.c_str(), &there) == 0) return S_ISDIR(there.st_mode) ? 0 : ENOTDIR;
  return errno;
}

/// Whether a link without a target is in the way of a directory.
bool is_dangling_link(const std::string& path) {
  struct stat there{};
  return ::stat(path.c_str(), &there) != 0 && errno == ENOENT && ::lstat(path.c_str(), &there) == 0;
}

/// A rename that replaces nothing, where the kernel and the file system know it.
int rename_new(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS && errno != EPERM) return errno;
  return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

/// The temporary name as clients of the reference know it from error texts (contract 04, section 2.6); ours has a random part.
std::string shown_temp(const std::string& path) {
  return path + ".mkdir-new";
}

/// Makes one directory whose parent exists.
base::Result<void> make_one(const std::string& path, mode_t mode, const Owner& owner) {
  if (is_dangling_link(path)) return std::unexpected(os_error("rename", shown_temp(path) + " " + path, ENOTDIR));
  const std::string parent = directory_of(path);
  const std::string name = base_name(path);
  std::string temp;
  for (int attempt = 0;; ++attempt) {
    temp = (parent == "/" ? parent : parent + "/") + temp_name(name, ".mkdir-new");
    if (::mkdir(temp.c_str(), 0700) == 0) break;
    if (errno != EEXIST || attempt == attempts) return std::unexpected(os_error("mkdir", shown_temp(path), errno));
  }
  base::Result<void> result;
  if (owner.asked_for() && ::chown(temp.c_str(), owner.uid, owner.gid) != 0) {
    result = std::unexpected(bare_os_error(errno));
  } else if (::chmod(temp.c_str(), mode) != 0) {
    result = std::unexpected(os_error("chmod", path, errno));
  } else if (const int error = rename_new(temp, path); error != 0) {
    result = std::unexpected(os_error("rename", shown_temp(path) + " " + path, error));
  }
  if (result) {
    sync_directory(parent);
  } else {
    ::rmdir(temp.c_str());
  }
  return result;
}

base::Result<void> make_with_parents(const std::string& path, mode_t mode, const Owner& owner) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string prefix = path.substr(0, slash);
    const int error = look_for_directory(prefix);
    if (error == ENOENT) {
      if (auto made = make_one(prefix, mode, owner); !made && look_for_directory(prefix) != 0) return made;
    } else if (error != 0) {
      return std::unexpected(os_error("mkdir", prefix, error));
    }
    if (slash == std::string::npos) return {};
  }
}

}  // namespace

base::Result<void> make_directory(const std::string& path, bool parents, mode_t mode, const Owner& owner) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  if (has_nul(path)) return std::unexpected(os_error("mkdir", layers::quote(path), EINVAL));
  const std::string clean = clean_path(path);
  if (parents) return make_with_parents(clean, mode, owner);
  const int error = look_for_directory(clean);
  if (error == 0) return std::unexpected(os_error("mkdir", clean, EEXIST));
  struct stat there{};
  const bool in_the_way = ::lstat(clean.c_str(), &there) == 0;
  if (error != ENOENT) return std::unexpected(os_error("mkdir", in_the_way ? clean : shown_temp(clean), error));
  return make_one(clean, mode, owner);
}

}  // namespace cobble::files
