#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cobble::layers {

/// Reads the code point that `text` starts with; returns its length in bytes, 0 when there is no valid UTF-8 (overlong forms,
/// surrogates).
std::size_t decode_utf8(std::string_view text, std::uint32_t& code_point);

/// Appends one valid code point.
void append_utf8(std::string& out, std::uint32_t code_point);

}  // namespace cobble::layers
