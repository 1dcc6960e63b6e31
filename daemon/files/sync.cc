#include "daemon/files/sync.h"

#include <fcntl.h>
#include <unistd.h>

#include "daemon/base/fd.h"

namespace cobble::files {

void sync_directory(const std::string& path) {
  const base::UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory) ::fsync(directory.get());
}

}  // namespace cobble::files
