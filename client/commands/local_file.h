#pragma once

#include <expected>
#include <string>

namespace cobble::client {

/// Why a local file could not be used.
struct FileTrouble {
  int number = 0;       ///< errno
  std::string message;  ///< `open F: no such file or directory`
};

/// The content of a file, at most 64 MiB. Errors: `open F: …`, `read F: is a directory`.
std::expected<std::string, FileTrouble> read_local_file(const std::string& path);

}  // namespace cobble::client
