#include "client/commands/diff.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace cobble::client {
namespace {

using Lines = std::vector<std::string_view>;

constexpr std::size_t around = 3;
constexpr std::size_t cells_limit = 16 << 20;  ///< of the table below; what is larger is shown as replaced

Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// One line of the result and what happens to it.
struct Edit {
  char mark = ' ';
  std::string_view line;
};

/// The edits by a longest common subsequence.
std::vector<Edit> edits_of(const Lines& a, const Lines& b) {
  const std::size_t width = b.size() + 1;
  std::vector<std::uint32_t> longest;  // of the lines from (i, j) on
  const bool small = (a.size() + 1) * width <= cells_limit;
  if (small) {
    longest.resize((a.size() + 1) * width);
    for (std::size_t i = a.size(); i-- > 0;) {
      for (std::size_t j = b.size(); j-- > 0;) {
        longest[i * width + j] = a[i] == b[j] ? longest[(i + 1) * width + j + 1] + 1
                                              : std::max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
      }
    }
  }
  std::vector<Edit> edits;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() || j < b.size()) {
    if (small && i < a.size() && j < b.size() && a[i] == b[j]) {
      edits.push_back({' ', a[i++]});
      ++j;
    } else if (j == b.size() || (i < a.size() && (!small || longest[(i + 1) * width + j] >= longest[i * width + j + 1]))) {
      edits.push_back({'-', a[i++]});
    } else {
      edits.push_back({'+', b[j++]});
    }
  }
  return edits;
}

}  // namespace

std::string line_diff(std::string_view before, std::string_view now) {
  if (before == now) return {};
  const std::vector<Edit> edits = edits_of(lines_of(before), lines_of(now));
  std::vector<bool> shown(edits.size());
  for (std::size_t i = 0; i < edits.size(); ++i) {
    if (edits[i].mark == ' ') continue;
    const std::size_t end = std::min(edits.size(), i + around + 1);
    for (std::size_t k = i > around ? i - around : 0; k < end; ++k) shown[k] = true;
  }
  std::string text;
  for (std::size_t i = 0; i < edits.size(); ++i) {
    if (shown[i]) text += std::string(1, edits[i].mark) + std::string(edits[i].line) + "\n";
    if (!shown[i] && (i == 0 || shown[i - 1])) text += "...\n";
  }
  return text;
}

}  // namespace cobble::client
