#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cobble::base {

/// U+FFFD, which stands for every byte that is no UTF-8.
inline constexpr std::string_view utf8_replacement = "\xEF\xBF\xBD";

/// Length (1 to 4) of the valid UTF-8 sequence that `text` starts with; 0 when its first byte starts none (overlong forms,
/// surrogates and values above U+10FFFF are invalid) or `text` is empty.
std::size_t utf8_length(std::string_view text);

/// `text` with each invalid byte replaced by U+FFFD.
std::string repair_utf8(std::string_view text);

/// Appends one code point; surrogates and values above U+10FFFF become U+FFFD.
void append_utf8(std::string& out, std::uint32_t code_point);

}  // namespace cobble::base
