#pragma once

#include <optional>
#include <string>
#include <string_view>

/// The text of URLs and headers: pure functions.
namespace cobble::api {

/// Without blanks and tabs at both ends.
std::string_view trim(std::string_view text);
/// ASCII letters compare equal in either case.
bool equal_ignoring_case(std::string_view a, std::string_view b);

/// Decodes `%XX`; `plus_is_space` as in form data. None when an escape is broken.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);
/// Encodes a path for a Location header.
std::string percent_encode_path(std::string_view path);

/// The path without `//`, `/./`, `/../` (contract 03, section 2.4); equal to `path` when it was clean. A trailing slash stays.
std::string clean_path(std::string_view path);

}  // namespace cobble::api
