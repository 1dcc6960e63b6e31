#pragma once

#include <optional>
#include <string>
#include <string_view>

/// Small things about text that several rooms need: pure functions, ASCII only, no locale.
namespace cobble::base {

/// Without blanks and tabs at both ends.
std::string_view trim(std::string_view text);
/// ASCII letters compare equal in either case.
bool equal_ignoring_case(std::string_view a, std::string_view b);
/// ASCII letters in lower case.
std::string to_lower(std::string_view text);
/// Decodes `%XX`; `plus_is_space` as in form data. None when an escape is broken.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

}  // namespace cobble::base
