#pragma once

#include <sys/types.h>

#include <string>

#include "daemon/base/error.h"
#include "daemon/files/owner.h"

namespace cobble::files {

/// Makes a directory (contract 04, sections 2.7 and 3.3) whose mode and owner are right from the moment it has its name. `path`
/// is absolute and is cleaned by text. With `parents`, missing ones are made alike and a directory that exists is success; its
/// mode and owner stay. One at a time in the whole process, so that equal requests don't disturb each other. Blocks.
base::Result<void> make_directory(const std::string& path, bool parents, mode_t mode, const Owner& owner);

}  // namespace cobble::files
