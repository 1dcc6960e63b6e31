#pragma once

#include <string>

#include "daemon/base/error.h"

namespace cobble::files {

/// Removes one file, symbolic link (never its target) or empty directory (contract 04, section 2.8). Blocks.
base::Result<void> remove_one(const std::string& path);

/// Removes `path` with everything inside; symbolic links are removed and never followed, whoever changes the tree meanwhile.
/// Trees of any depth take a bounded number of descriptors. What is missing is success. `/` and paths that end in `/.` or `/..`
/// are refused. After an error the rest is still removed; the first error is returned. Blocks.
base::Result<void> remove_all(const std::string& path);

}  // namespace cobble::files
