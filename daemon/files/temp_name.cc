#include "daemon/files/temp_name.h"

#include <random>

namespace cobble::files {

std::string temp_name(std::string_view base, std::string_view ending) {
  constexpr std::size_t longest_base = 220;
  thread_local std::mt19937 random{std::random_device{}()};
  return std::string(base.substr(0, longest_base)).append(".").append(std::to_string(random())).append(ending);
}

}  // namespace cobble::files
