#pragma once

#include <string>
#include <string_view>

namespace cobble::layers {

/// `text` in double quotes as names stand inside messages (contract 01 section 2.1, 03 section 2.4): \" \\ \n \t \r \a \b \f \v,
/// other control and invalid bytes as \xNN, unprintable code points as \uNNNN or \UNNNNNNNN; printable Unicode stays as it is.
std::string quote(std::string_view text);

}  // namespace cobble::layers
