#include "daemon/access/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "daemon/access/pem.h"
#include "daemon/base/error.h"
#include "daemon/base/fd.h"
#include "layers/quote.h"

namespace cobble::access {

namespace {

using layers::quote;

/// Far more than a key or certificate needs.
constexpr std::size_t max_file_size = 1024 * 1024;

std::unexpected<std::string> failure(std::string_view call, const std::string& path) {
  return std::unexpected(std::string(call) + " " + path + ": " + base::errno_text(errno));
}

std::string octal(unsigned int mode) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0o%o", mode);
  return text.data();
}

std::expected<void, std::string> check_mode(const struct stat& info, const std::string& path, unsigned int mode) {
  const unsigned int got = info.st_mode & 0777;
  if (got == mode) return {};
  return std::unexpected("expected permission " + octal(mode) + " (got " + octal(got) + ") for " + quote(path));
}

std::expected<std::string, std::string> read_all(int fd, const std::string& path) {
  std::string text;
  std::array<char, 4096> buffer;
  while (text.size() < max_file_size) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failure("read", path);
    if (count == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

}  // namespace

std::expected<void, std::string> make_private_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) {
    // The umask may have taken more than it should.
    ::chmod(path.c_str(), 0700);
    return {};
  }
  if (errno == EEXIST) return {};
  return failure("mkdir", path);
}

std::expected<void, std::string> check_permission(const std::string& path, unsigned int mode) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return {};
  return check_mode(info, path, mode);
}

std::expected<std::optional<std::string>, std::string> read_pem_file(const std::string& path, std::string_view label) {
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd && errno == ENOENT) return std::nullopt;
  struct stat info{};
  if (!fd || ::fstat(fd.get(), &info) != 0) return failure("open", path);
  if (auto checked = check_mode(info, path, 0600); !checked) return std::unexpected(std::move(checked.error()));
  const auto text = read_all(fd.get(), path);
  if (!text) return std::unexpected(text.error());
  auto block = find_pem_block(*text);
  const std::string named = "'" + std::string(label) + "' block in " + quote(path);
  if (!block || block->label != label) return std::unexpected("missing " + named);
  if (!block->rest.empty()) return std::unexpected("unexpected bytes after " + named);
  return std::move(block->content);
}

std::expected<void, std::string> write_pem_file(const std::string& path, std::string_view label, std::string_view content) {
  const std::string text = write_pem_block(label, content);
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());
  base::UniqueFd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return failure("open", fresh);
  ::fchmod(fd.get(), 0600);
  const bool written = ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd.get()) == 0;
  if (!written || ::rename(fresh.c_str(), path.c_str()) != 0) {
    auto failed = failure("write", path);
    ::unlink(fresh.c_str());
    return failed;
  }
  return {};
}

}  // namespace cobble::access
