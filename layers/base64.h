#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cobble::layers {

/// RFC 4648 base64 with padding, without line ends.
std::string encode_base64(std::string_view bytes);

/// Reads padded base64, passing over the characters of `ignored`. None when anything else is wrong.
std::optional<std::string> decode_base64(std::string_view text, std::string_view ignored = "\r\n");

}  // namespace cobble::layers
