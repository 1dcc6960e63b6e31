#include "layers/plan.h"

#include <ranges>

namespace cobble::layers {

bool LogTarget::selects(std::string_view service) const {
  for (std::string_view item : std::views::reverse(services)) {
    const bool wanted = !item.starts_with('-');
    if (item == service || item == "all") return true;
    if (!wanted && (item.substr(1) == service || item == "-all")) return false;
  }
  return false;
}

}  // namespace cobble::layers
