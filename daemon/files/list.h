#pragma once

#include <string>
#include <string_view>

#include "daemon/base/error.h"

namespace cobble::files {

/// The JSON array of what is at `path`, which is absolute: a directory's entries in byte order of their names, each described
/// without following it; or, with `itself` or when `path` is no directory, the one entry that it leads to (contract 04, section
/// 2.4). `pattern`: a glob for names; empty takes all. An entry that vanishes meanwhile is left out. Blocks.
base::Result<std::string> list_files(const std::string& path, std::string_view pattern, bool itself);

}  // namespace cobble::files
