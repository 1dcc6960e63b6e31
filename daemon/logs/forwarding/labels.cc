#include "daemon/logs/forwarding/labels.h"

#include <algorithm>

namespace cobble::logs::forwarding {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_name_byte(char c) {
  return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct Reference {
  std::string_view name;
  std::size_t size = 0;  ///< bytes behind the `$` that are used up
};

/// What stands behind a `$`; size 0: nothing that could be replaced.
Reference read_reference(std::string_view text) {
  if (text.empty()) return {};
  if (text.front() == '{') {
    const std::size_t close = text.find('}');
    // Without its end only the opening vanishes.
    if (close == std::string_view::npos) return {{}, 1};
    return {text.substr(1, close - 1), close + 1};
  }
  if (is_digit(text.front()) || std::string_view("$*#@!?-").contains(text.front())) return {text.substr(0, 1), 1};
  const auto size = static_cast<std::size_t>(std::ranges::find_if_not(text, is_name_byte) - text.begin());
  return {text.substr(0, size), size};
}

}  // namespace

std::string expand_variables(std::string_view text, const std::map<std::string, std::string>& variables) {
  std::string out;
  while (!text.empty()) {
    const std::size_t dollar = text.find('$');
    out += text.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar + 1);
    const Reference reference = read_reference(text);
    if (reference.size == 0) {
      out += '$';
      continue;
    }
    if (const auto found = variables.find(std::string(reference.name)); found != variables.end()) out += found->second;
    text.remove_prefix(reference.size);
  }
  return out;
}

}  // namespace cobble::logs::forwarding
