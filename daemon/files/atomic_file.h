#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "daemon/base/error.h"
#include "daemon/base/fd.h"
#include "daemon/files/owner.h"

namespace cobble::files {

/// A new file that takes its place at once when it is complete and on disk: readers see the old content or the new (contract 04,
/// section 3.2). Until then it is `BASE.RANDOM~` in the same directory, readable by nobody else; when this object goes without
/// `commit`, so does that file. Calls block.
class AtomicFile {
 public:
  /// Begins a file that will be at `path`, which is absolute.
  static base::Result<AtomicFile> create(std::string path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  base::Result<void> write(std::string_view bytes);
  /// Gives it mode and owner, syncs it and puts it in its place. A directory or a device there is never replaced, a symbolic link
  /// is (its target stays as it was).
  base::Result<void> commit(mode_t mode, const Owner& owner);

 private:
  AtomicFile(std::string path, std::string temp_path, base::UniqueFd file);

  std::string path_;
  std::string temp_path_;  ///< empty: there is none to remove
  base::UniqueFd file_;
};

}  // namespace cobble::files
