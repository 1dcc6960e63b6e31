#pragma once

#include <string>
#include <string_view>

#include "daemon/base/error.h"

/// Paths as text, and the errors that belong to one path (contract 04, section 2.2). Pure.
namespace cobble::files {

/// Without `//`, `/./` and `/../`, by text alone (symbolic links are not looked at); no slash at the end but for the root.
std::string clean_path(std::string_view path);
/// The directory above the last slash, cleaned: `/a/b` -> `/a`, `/a/b/` -> `/a/b`, `/a` -> `/`.
std::string directory_of(std::string_view path);
/// The last element without slashes at the end: `/a/b/` -> `b`; `/` -> `/`.
std::string base_name(std::string_view path);

/// Kinds of errors of one path.
inline constexpr std::string_view kind_not_found = "not-found";
inline constexpr std::string_view kind_permission_denied = "permission-denied";
inline constexpr std::string_view kind_generic = "generic-file-error";

/// `OPERATION PATH: TEXT OF ERRNO` with its kind, and the status that `list` answers with.
base::Error os_error(std::string_view operation, std::string_view path, int error);
/// The errno's text alone, as a refused change of owner is reported.
base::Error bare_os_error(int error);
/// A message of our own, of kind `generic-file-error`.
base::Error generic_error(std::string message);
/// `paths must be absolute, got "x"`.
base::Error not_absolute(std::string_view path);

/// Whether the path can't be given to the kernel, since it would be cut at a NUL byte.
inline bool has_nul(std::string_view path) {
  return path.find('\0') != std::string_view::npos;
}

}  // namespace cobble::files
