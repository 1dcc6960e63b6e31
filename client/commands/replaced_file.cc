#include "client/commands/replaced_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

namespace cobble::client {

namespace {

std::unexpected<Error> cannot(const char* action, const std::string& path) {
  return fail(std::string(action) + " " + path + ": " + system_error_text(errno));
}

/// The descriptor of our own output that is this very file (/dev/stdout, say); -1: none is.
int own_output(const struct stat& info) {
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat ours{};
    if (fstat(fd, &ours) == 0 && ours.st_dev == info.st_dev && ours.st_ino == info.st_ino) return fd;
  }
  return -1;
}

}  // namespace

Result<ReplacedFile> ReplacedFile::open_at(const std::string& path) {
  struct stat info{};
  if (stat(path.c_str(), &info) != 0) return make(path, path, O_WRONLY | O_CREAT | O_TRUNC, true);
  if (!S_ISREG(info.st_mode)) return make(path, path, O_WRONLY | O_TRUNC, false);
  if (const int fd = own_output(info); fd >= 0) return onto(fd, path);
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(path.c_str(), nullptr), std::free);
  const std::string place = real ? real.get() : path;
  auto beside = make(place, place + ".part" + std::to_string(getpid()), O_WRONLY | O_CREAT | O_TRUNC, true);
  if (beside) static_cast<void>(fchmod(beside->file_.get(), info.st_mode & 07777U));
  return beside;
}

Result<ReplacedFile> ReplacedFile::onto(int fd, const std::string& name) {
  FileDescriptor file(fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!file) return cannot("open", name);
  return ReplacedFile(name, name, std::move(file), false);
}

Result<ReplacedFile> ReplacedFile::make(const std::string& path, const std::string& written, int flags, bool made) {
  FileDescriptor file(open(written.c_str(), flags | O_CLOEXEC, 0666));
  if (!file) return cannot("open", path);
  return ReplacedFile(path, written, std::move(file), made);
}

ReplacedFile::~ReplacedFile() {
  if (file_ && made_) unlink(written_.c_str());
}

std::string ReplacedFile::write(std::string_view piece) {
  if (write_all(file_.get(), piece)) return {};
  return "write " + path_ + ": " + system_error_text(errno);
}

Result<void> ReplacedFile::set_mode(mode_t mode) {
  if (fchmod(file_.get(), mode) != 0) return cannot("chmod", path_);
  return {};
}

Result<void> ReplacedFile::keep() {
  if (written_ != path_ && rename(written_.c_str(), path_.c_str()) != 0) return cannot("rename", path_);
  file_.reset();
  return {};
}

}  // namespace cobble::client
