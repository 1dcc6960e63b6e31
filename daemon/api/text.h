#pragma once

#include <string>
#include <string_view>

#include "daemon/base/text.h"

/// The text of URLs and headers: pure functions.
namespace cobble::api {

using base::equal_ignoring_case;
using base::percent_decode;
using base::trim;

/// Encodes a path for a Location header.
std::string percent_encode_path(std::string_view path);

/// The path without `//`, `/./`, `/../` (contract 03, section 2.4); equal to `path` when it was clean. A trailing slash stays.
std::string clean_path(std::string_view path);

}  // namespace cobble::api
