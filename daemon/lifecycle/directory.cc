#include "daemon/lifecycle/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "daemon/base/error.h"
#include "daemon/base/fd.h"
#include "daemon/lifecycle/options.h"
#include "layers/quote.h"

namespace cobble::lifecycle {

namespace {

using Done = std::expected<void, std::string>;
using layers::quote;

std::string environment(const char* name, std::string fallback) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? std::string(value) : std::move(fallback);
}

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};
using Dir = std::unique_ptr<DIR, CloseDir>;

/// Names in a directory, `.` and `..` left out.
std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  const Dir dir(::opendir(path.c_str()));
  if (!dir) return names;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  return names;
}

std::unexpected<std::string> failure(std::string_view call, const std::string& path) {
  return std::unexpected(std::string(call) + " " + path + ": " + base::errno_text(errno));
}

Done copy_file(const std::string& from, const std::string& to, mode_t mode) {
  const base::UniqueFd in(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in) return failure("open", from);
  const base::UniqueFd out(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666 | (mode & 0777)));
  if (!out) return failure("open", to);
  std::array<char, 64 * 1024> buffer;
  while (true) {
    const ssize_t count = ::read(in.get(), buffer.data(), buffer.size());
    if (count == 0) return {};
    if (count < 0) return failure("read", from);
    for (ssize_t done = 0; done < count;) {
      const ssize_t written = ::write(out.get(), buffer.data() + done, static_cast<std::size_t>(count - done));
      if (written < 0) return failure("write", to);
      done += written;
    }
  }
}

Done copy_link(const std::string& from, const std::string& to) {
  std::string target(4096, '\0');
  const ssize_t size = ::readlink(from.c_str(), target.data(), target.size());
  if (size < 0) return failure("readlink", from);
  target.resize(static_cast<std::size_t>(size));
  if (::symlink(target.c_str(), to.c_str()) != 0) return failure("symlink", to);
  return {};
}

/// Copies what is below `from`; a list of folders instead of recursion, so that depth costs no stack.
Done copy_tree(const std::string& from, const std::string& to) {
  std::vector<std::string> folders{""};
  while (!folders.empty()) {
    const std::string folder = std::move(folders.back());
    folders.pop_back();
    if (::mkdir((to + folder).c_str(), 0777) != 0 && errno != EEXIST) return failure("mkdir", to + folder);
    for (const std::string& name : names_in(from + folder)) {
      const std::string path = folder + "/" + name;
      struct stat info{};
      if (::lstat((from + path).c_str(), &info) != 0) return failure("lstat", from + path);
      Done done;
      if (S_ISDIR(info.st_mode)) {
        folders.push_back(path);
      } else if (S_ISLNK(info.st_mode)) {
        done = copy_link(from + path, to + path);
      } else if (S_ISREG(info.st_mode)) {
        done = copy_file(from + path, to + path, info.st_mode);
      } else {
        done = std::unexpected("CopyFS " + path.substr(1) + ": invalid argument");
      }
      if (!done) return done;
    }
  }
  return {};
}

std::string cannot_copy(const std::string& source, const std::string& directory) {
  return "cannot copy " + quote(source) + " to " + quote(directory) + ": ";
}

std::string random_uuid() {
  std::array<std::uint8_t, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), GRND_NONBLOCK) != static_cast<ssize_t>(bytes.size())) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    auto seed = static_cast<std::uint64_t>(now.tv_nsec) * 6364136223846793005ULL + static_cast<std::uint64_t>(now.tv_sec);
    for (std::uint8_t& byte : bytes) {
      seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
      byte = static_cast<std::uint8_t>(seed >> 56);
    }
  }
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3F) | 0x80);
  static constexpr char hex[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += hex[bytes[i] >> 4];
    text += hex[bytes[i] & 15];
  }
  return text;
}

}  // namespace

Paths paths_from_environment() {
  Paths paths;
  paths.directory = environment("PEBBLE", "/var/lib/pebble/default");
  paths.socket = environment("PEBBLE_SOCKET", paths.directory + "/.pebble.socket");
  return paths;
}

Done create_directories(const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    struct stat info{};
    if (::stat(part.c_str(), &info) == 0) {
      if (!S_ISDIR(info.st_mode)) return std::unexpected("mkdir " + part + ": not a directory");
    } else if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
      return failure("mkdir", part);
    }
    if (end == std::string::npos || end + 1 >= path.size()) return {};
  }
}

Done check_creatable(const std::string& directory) {
  std::string path = directory;
  struct stat info{};
  while (::stat(path.c_str(), &info) != 0) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return std::unexpected("directory " + quote(directory) + " must be absolute");
    path.resize(slash == 0 ? 1 : slash);
  }
  if (!S_ISDIR(info.st_mode)) return std::unexpected("mkdir " + path + ": not a directory");
  return ::access(path.c_str(), W_OK | X_OK) == 0 ? Done() : failure("mkdir", directory);
}

std::expected<bool, std::string> wants_copy(const std::string& source, const std::string& directory) {
  struct stat info{};
  if (::stat(source.c_str(), &info) != 0) return false;
  struct stat target{};
  if (::stat(directory.c_str(), &target) == 0) {
    if (!S_ISDIR(target.st_mode)) return std::unexpected("open " + directory + ": not a directory");
    if (!names_in(directory).empty()) return false;
  }
  if (!S_ISDIR(info.st_mode)) return std::unexpected(cannot_copy(source, directory) + "stat .: not a directory");
  return true;
}

Done copy_once(const std::string& source, const std::string& directory) {
  const auto wanted = wants_copy(source, directory);
  if (!wanted) return std::unexpected(wanted.error());
  if (!*wanted) return {};
  if (auto done = copy_tree(source, directory); !done) return std::unexpected(cannot_copy(source, directory) + done.error());
  return {};
}

Done check_directory(const std::string& path) {
  if (!path.starts_with('/')) return std::unexpected("directory " + quote(path) + " must be absolute");
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode))
    return std::unexpected("directory " + quote(path) + " does not exist");
  if (::access(path.c_str(), W_OK) != 0) return std::unexpected("directory " + quote(path) + " not writable");
  return {};
}

std::string boot_id() {
  if (::getpid() == 1) return random_uuid();
  const base::UniqueFd fd(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  std::array<char, 64> buffer;
  const ssize_t size = fd ? ::read(fd.get(), buffer.data(), buffer.size()) : -1;
  if (size <= 0) return random_uuid();
  std::string text(buffer.data(), static_cast<std::size_t>(size));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace cobble::lifecycle
