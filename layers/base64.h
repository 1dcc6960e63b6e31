#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cobble::layers {

/// Decodes standard base64; white space is passed over. None when the text is malformed.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace cobble::layers
