#pragma once

#include <string>
#include <string_view>

namespace cobble::client {

/// The lines that turn one text into the other: `-` before those that go, `+` before those that come, a blank before up to three
/// lines around them, `...` where lines are left out. Empty if the texts are the same. Pure.
std::string line_diff(std::string_view before, std::string_view now);

}  // namespace cobble::client
