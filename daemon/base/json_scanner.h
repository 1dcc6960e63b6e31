#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace cobble::base {

/// Finds the first JSON value of `text` and returns it with invalid UTF-8 and lone surrogates repaired to U+FFFD, ready for a
/// strict parser. The error is the reference's reason (contract 03, section 2.6). Nesting is bounded at 10,000 levels; the
/// scanner itself doesn't recurse.
std::expected<std::string, std::string> scan_json(std::string_view text);

}  // namespace cobble::base
