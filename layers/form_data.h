#pragma once

#include <string>
#include <string_view>

namespace cobble::layers {

/// A file name as it stands in the Content-Disposition header of a part of `multipart/form-data`.
std::string escape_file_name(std::string_view name);

}  // namespace cobble::layers
