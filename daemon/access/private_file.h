#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

/// Files that only the daemon may read: PEM files below a directory of their own (contract 08, section 2.12). Errors are whole
/// texts without a prefix.
namespace cobble::access {

/// Makes a directory with mode 0700 unless it is there; its parent must exist. Error: `mkdir PATH: no such file or directory`.
std::expected<void, std::string> make_private_directory(const std::string& path);
/// Refuses a directory or file that others may use: `expected permission 0o700 (got 0o755) for "PATH"`. A missing one is fine.
std::expected<void, std::string> check_permission(const std::string& path, unsigned int mode);

/// The content of the one PEM block with this label in a file of mode 0600; none when there is no such file.
std::expected<std::optional<std::string>, std::string> read_pem_file(const std::string& path, std::string_view label);
/// Writes one block to a file of mode 0600, whole or not at all.
std::expected<void, std::string> write_pem_file(const std::string& path, std::string_view label, std::string_view content);

}  // namespace cobble::access
