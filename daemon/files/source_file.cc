#include "daemon/files/source_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "daemon/files/path.h"
#include "layers/quote.h"

namespace cobble::files {

base::Result<SourceFile> SourceFile::open(const std::string& path) {
  if (!path.starts_with('/')) return std::unexpected(not_absolute(path));
  if (has_nul(path)) return std::unexpected(os_error("stat", layers::quote(path), EINVAL));
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return std::unexpected(os_error("stat", path, errno));
  const base::Error not_regular = generic_error("can only read a regular file: " + layers::quote(path));
  if (!S_ISREG(info.st_mode)) return std::unexpected(not_regular);
  // Something else may have come there since: it must not be waited for.
  base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return std::unexpected(os_error("open", path, errno));
  if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return std::unexpected(not_regular);
  ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return SourceFile(path, std::move(file));
}

std::string SourceFile::read(std::size_t limit) {
  std::string bytes(limit, '\0');
  std::size_t filled = 0;
  while (filled < limit) {
    const ssize_t count = ::read(file_.get(), bytes.data() + filled, limit - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) error_ = os_error("read", path_, errno);
    if (count <= 0) {
      at_end_ = true;
      break;
    }
    filled += static_cast<std::size_t>(count);
  }
  offset_ += filled;
  bytes.resize(filled);
  return bytes;
}

std::uint64_t SourceFile::left() const {
  struct stat info{};
  if (::fstat(file_.get(), &info) != 0 || info.st_size < 0) return 0;
  const auto size = static_cast<std::uint64_t>(info.st_size);
  return size > offset_ ? size - offset_ : 0;
}

}  // namespace cobble::files
