#pragma once

#include <map>
#include <string>
#include <string_view>

namespace cobble::logs::forwarding {

/// A label's value with `$NAME` and `${ANY TEXT}` replaced from `variables`, once; what is not there becomes empty (contract 07,
/// section 6.6).
std::string expand_variables(std::string_view text, const std::map<std::string, std::string>& variables);

}  // namespace cobble::logs::forwarding
