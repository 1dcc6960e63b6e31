#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace cobble::process {

/// Finds the file that a command's first word names (contract 02, sections 2.6 and 3.6): a word with a slash as it is, others in
/// the directories of `search_path` (the daemon's PATH). The error is the reference's text, `exec: "x": executable file not found
/// in $PATH`.
std::expected<std::string, std::string> find_command(std::string_view word, std::string_view search_path);

}  // namespace cobble::process
