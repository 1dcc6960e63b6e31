#include "daemon/checks/details.h"

#include <algorithm>

namespace cobble::checks {

namespace {

constexpr std::size_t max_lines = 5;
constexpr std::string_view more = "(...)";

std::string_view strip(std::string_view text) {
  static constexpr std::string_view blanks = " \t\n\v\f\r";
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// Position behind the `count`-th line end of `text`; npos when it has fewer.
std::size_t after_lines(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (; count > 0; --count) {
    at = text.find('\n', at);
    if (at == std::string_view::npos) return at;
    ++at;
  }
  return at;
}

/// The last `count` lines; a final line end doesn't begin a line.
std::string_view last_lines(std::string_view text, std::size_t count) {
  std::size_t at = text.ends_with('\n') ? text.size() - 1 : text.size();
  for (; count > 0; --count) {
    at = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
    if (at == std::string_view::npos) return text;
  }
  return text.substr(at + 1);
}

}  // namespace

std::string body_details(std::string_view body) {
  const auto text = strip(body.substr(0, details_limit));
  const auto end = after_lines(text, max_lines);
  if (end == std::string_view::npos) return std::string(text);
  return std::string(text.substr(0, end)).append(more);
}

std::string output_details(std::string_view tail) {
  const auto text = strip(last_lines(tail, max_lines + 1));
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  if (lines <= max_lines) return std::string(text);
  return std::string(more).append("\n").append(text.substr(after_lines(text, 1)));
}

void OutputTail::append(std::string_view bytes) {
  if (bytes.size() >= details_limit) {
    kept_ = bytes.substr(bytes.size() - details_limit);
    return;
  }
  const std::size_t total = kept_.size() + bytes.size();
  if (total > details_limit) kept_.erase(0, total - details_limit);
  kept_ += bytes;
}

}  // namespace cobble::checks
