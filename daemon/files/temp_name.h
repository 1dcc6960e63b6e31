#pragma once

#include <string>
#include <string_view>

namespace cobble::files {

/// A name beside `base` in the same directory that nobody else uses: `BASE.RANDOM` and `ending`; a long base is cut, so that the
/// name stays within the limit of 255 bytes.
std::string temp_name(std::string_view base, std::string_view ending);

}  // namespace cobble::files
