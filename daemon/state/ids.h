#pragma once

#include <string_view>

namespace cobble::state {

/// Orders ids as numbers: a shorter decimal number is a smaller one. Ids of a foreign file that are no numbers have some order
/// too.
struct IdLess {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return a.size() != b.size() ? a.size() < b.size() : a < b; }
};

}  // namespace cobble::state
