#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace cobble::layers {

/// Makes YAML text ready for the parser: UTF-16 with a byte order mark becomes UTF-8, a mark goes, line ends become LF, and only
/// the first document stays. Refuses invalid UTF-8, control characters and directives that aren't understood, as contract 01
/// section 2.1 says. The error is `yaml: …`.
std::expected<std::string, std::string> prepare_yaml(std::string_view text);

}  // namespace cobble::layers
