#include "daemon/files/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "daemon/files/path.h"
#include "daemon/files/sync.h"
#include "daemon/files/temp_name.h"
#include "layers/quote.h"

namespace cobble::files {

namespace {

constexpr int attempts = 100;

std::string below(const std::string& directory, const std::string& name) {
  return directory.ends_with('/') ? directory + name : directory + "/" + name;
}

}  // namespace

AtomicFile::AtomicFile(std::string path, std::string temp_path, base::UniqueFd file)
    : path_(std::move(path)), temp_path_(std::move(temp_path)), file_(std::move(file)) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)), temp_path_(std::exchange(other.temp_path_, {})), file_(std::move(other.file_)) {}

AtomicFile::~AtomicFile() {
  if (!temp_path_.empty()) ::unlink(temp_path_.c_str());
}

base::Result<AtomicFile> AtomicFile::create(std::string path) {
  const std::string base = base_name(path);
  if (base == "/") return std::unexpected(os_error("open", path, EISDIR));
  if (has_nul(path)) return std::unexpected(os_error("open", layers::quote(path), EINVAL));
  for (int attempt = 0;; ++attempt) {
    std::string temp_path = below(directory_of(path), temp_name(base, "~"));
    base::UniqueFd file(::open(temp_path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file) return AtomicFile(std::move(path), std::move(temp_path), std::move(file));
    if (errno != EEXIST || attempt == attempts) return std::unexpected(os_error("open", temp_path, errno));
  }
}

base::Result<void> AtomicFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::unexpected(os_error("write", temp_path_, errno));
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

base::Result<void> AtomicFile::commit(mode_t mode, const Owner& owner) {
  if (owner.asked_for() && ::fchown(file_.get(), owner.uid, owner.gid) != 0) return std::unexpected(bare_os_error(errno));
  if (::fchmod(file_.get(), mode) != 0) return std::unexpected(os_error("chmod", temp_path_, errno));
  if (::fsync(file_.get()) != 0) return std::unexpected(os_error("sync", temp_path_, errno));
  struct stat there{};
  if (::lstat(path_.c_str(), &there) == 0) {
    if (S_ISDIR(there.st_mode)) return std::unexpected(os_error("rename", temp_path_ + " " + path_, EEXIST));
    if (S_ISBLK(there.st_mode) || S_ISCHR(there.st_mode))
      return std::unexpected(generic_error("cannot replace device: " + layers::quote(path_)));
  }
  if (::rename(temp_path_.c_str(), path_.c_str()) != 0)
    return std::unexpected(os_error("rename", temp_path_ + " " + path_, errno));
  const std::string temp_path = std::exchange(temp_path_, {});
  sync_directory(directory_of(temp_path));
  return {};
}

}  // namespace cobble::files
