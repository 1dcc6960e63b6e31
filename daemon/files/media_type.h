#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace cobble::files {

/// The value of a Content-Type or Content-Disposition header.
struct MediaType {
  std::string type;                                            ///< in lower case
  std::map<std::string, std::string, std::less<>> parameters;  ///< names in lower case

  /// A parameter's value; empty when absent.
  std::string_view parameter(std::string_view name) const;
};

/// Reads such a value as contract 04 section 2.6 says: in a quoted string a backslash escapes only ()<>@,;:\"/[]?= and otherwise
/// stands for itself; `name*=UTF-8''…` is decoded; a repeated name, or anything that isn't understood, makes the whole value
/// none.
std::optional<MediaType> parse_media_type(std::string_view text);

}  // namespace cobble::files
