#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "daemon/base/error.h"
#include "daemon/base/fd.h"

namespace cobble::files {

/// A regular file being read (contract 04, section 2.3). Calls block.
class SourceFile {
 public:
  /// Follows symbolic links; what is no regular file is refused without being opened.
  static base::Result<SourceFile> open(const std::string& path);

  /// Up to `limit` bytes, fewer only at the end of the file or before an error, which `error` then keeps.
  std::string read(std::size_t limit);
  /// Bytes that are left by the file's present size; 0 also for files whose size isn't known, such as those of /proc.
  std::uint64_t left() const;
  /// `count` bytes were read from `descriptor` by other means.
  void passed(std::uint64_t count) { offset_ += count; }

  int descriptor() const { return file_.get(); }
  bool at_end() const { return at_end_; }
  const std::optional<base::Error>& error() const { return error_; }

 private:
  SourceFile(std::string path, base::UniqueFd file) : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  base::UniqueFd file_;
  std::uint64_t offset_ = 0;
  bool at_end_ = false;
  std::optional<base::Error> error_;
};

}  // namespace cobble::files
