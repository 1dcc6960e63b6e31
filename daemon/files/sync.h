#pragma once

#include <string>

namespace cobble::files {

/// Brings a directory's entries to the disk. Best effort: a directory that may be written but not read can't be synced.
void sync_directory(const std::string& path);

}  // namespace cobble::files
