#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "client/api/connection.h"
#include "client/api/error.h"

namespace cobble::client {

/// A local file that is written: beside an existing regular file until all of it has come, so that a failure leaves the old one
/// and who uses it is not disturbed, also behind a symbolic link; into anything else (a device, a pipe, our own output) at once.
/// What was newly made is removed unless it is kept.
class ReplacedFile {
 public:
  /// `open F: …`
  static Result<ReplacedFile> open_at(const std::string& path);
  /// What is written goes to a descriptor of this process; `name` is for messages.
  static Result<ReplacedFile> onto(int fd, const std::string& name);

  ReplacedFile(ReplacedFile&& other) noexcept = default;
  ReplacedFile& operator=(ReplacedFile&&) = delete;
  ReplacedFile(const ReplacedFile&) = delete;
  ReplacedFile& operator=(const ReplacedFile&) = delete;
  ~ReplacedFile();

  /// An empty text, or what went wrong: `write F: …`
  std::string write(std::string_view piece);
  /// Gives the file these permissions. `chmod F: …`
  Result<void> set_mode(mode_t mode);
  /// Puts the file in its place. `rename F: …`
  Result<void> keep();

 private:
  ReplacedFile(std::string path, std::string written, FileDescriptor file, bool made)
      : path_(std::move(path)), written_(std::move(written)), file_(std::move(file)), made_(made) {}

  static Result<ReplacedFile> make(const std::string& path, const std::string& written, int flags, bool made);

  std::string path_;
  std::string written_;
  FileDescriptor file_;
  bool made_;
};

}  // namespace cobble::client
