#include "client/commands/wrap.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "client/commands/table.h"

namespace cobble::client {
namespace {

constexpr std::size_t hanging = 7;  // the width of "error: "

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (true) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text) {
    if (!is_blank(c)) {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
  if (!word.empty()) words.push_back(word);
  return words;
}

std::size_t indentation(std::string_view line) {
  return std::min(line.find_first_not_of(" \t"), line.size());
}
bool empty_line(std::string_view line) {
  return std::ranges::all_of(line, is_blank);
}

/// What a way to break a paragraph costs: first the squared overlength, then raggedness.
struct Cost {
  std::uint64_t overlength = 0;
  std::uint64_t raggedness = 0;
  auto operator<=>(const Cost&) const = default;
};

/// The words in lines of at most `width`, breaks chosen for the whole paragraph.
std::vector<std::string> wrap_evenly(const std::vector<std::string>& words, std::size_t width) {
  constexpr std::uint64_t no_punctuation = 64;
  const std::size_t count = words.size();
  std::vector<Cost> best(count + 1);     // of the words from an index on
  std::vector<std::size_t> next(count);  // where the line that begins there ends
  for (std::size_t first = count; first-- > 0;) {
    std::size_t length = 0;
    for (std::size_t end = first + 1; end <= count; ++end) {
      length += width_of(words[end - 1]) + (end > first + 1 ? 1 : 0);
      Cost cost = best[end];
      if (length > width) {
        cost.overlength += (length - width) * (length - width);
      } else if (end < count) {
        cost.raggedness += (width - length) * (width - length);
      }
      const bool pause = std::string_view(".,:;").find(words[end - 1].back()) != std::string_view::npos;
      if (end < count && !pause) cost.raggedness += no_punctuation;
      if (end == first + 1 || cost < best[first]) {
        best[first] = cost;
        next[first] = end;
      }
      if (length > width) break;
    }
  }
  std::vector<std::string> lines;
  for (std::size_t first = 0; first < count; first = next[first]) {
    std::string line = words[first];
    for (std::size_t i = first + 1; i < next[first]; ++i) line += " " + words[i];
    lines.push_back(std::move(line));
  }
  return lines;
}

/// Typographic quotes for doubled backquotes and apostrophes.
std::string with_quotes(std::string text) {
  for (const auto& [plain, typographic] : {std::pair("``", "“"), std::pair("''", "”")}) {
    for (std::size_t at = 0; (at = text.find(plain, at)) != std::string::npos; at += 3) text.replace(at, 2, typographic);
  }
  return text;
}

/// The marker that a list item begins with (`- `, `1. `), or nothing.
std::string item_marker(std::string_view line) {
  line.remove_prefix(indentation(line));
  if (line.starts_with("- ") || line.starts_with("* ")) return "- ";
  const auto digits = line.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos) return {};
  if (line[digits] != '.' && line[digits] != ')') return {};
  return line.substr(digits + 1).starts_with(' ') ? std::string(line.substr(0, digits)) + ". " : std::string();
}

/// Lays out an error message piece by piece.
class Reflow {
 public:
  explicit Reflow(std::size_t width) : width_(width) {}

  void add_paragraph(const std::string& text) {
    separate(true);
    for (const std::string& line : wrap_evenly(words_of(with_quotes(text)), width_)) add_line(0, line);
  }

  void add_block(const std::vector<std::string_view>& lines) {
    separate(true);
    std::size_t common = std::string_view::npos;
    for (const auto line : lines) {
      if (!empty_line(line)) common = std::min(common, indentation(line));
    }
    for (const auto line : lines) add_line(0, empty_line(line) ? std::string() : std::string(line.substr(common)));
    after_block_ = true;
  }

  void add_list(const std::vector<std::string_view>& lines, bool blank_before) {
    separate(blank_before);
    std::string marker;
    std::string text;
    for (const auto line : lines) {
      const std::string next = item_marker(line);
      if (!next.empty()) {
        add_item(marker, text);
        marker = next;
        text = line.substr(line.find(' ', indentation(line)) + 1);
      } else {
        text += " " + std::string(line);
      }
    }
    add_item(marker, text);
    after_block_ = true;
  }

  std::string take() {
    while (!text_.empty() && is_blank(text_.back())) text_.pop_back();
    return std::move(text_);
  }

 private:
  void separate(bool blank) {
    if (!text_.empty() && (blank || after_block_)) text_ += "\n";
    after_block_ = false;
  }

  void add_item(const std::string& marker, const std::string& text) {
    if (marker.empty()) return;
    const std::size_t before = marker == "- " ? 2 : marker.size() < 4 ? 4 - marker.size() : 0;
    bool first = true;
    for (const std::string& line : wrap_evenly(words_of(with_quotes(text)), width_ - 4)) {
      add_line(before, (std::exchange(first, false) ? marker : std::string(marker.size(), ' ')) + line);
    }
  }

  void add_line(std::size_t indent, const std::string& line) {
    if (!line.empty()) text_ += std::string((text_.empty() ? 0 : hanging) + indent, ' ') + line;
    text_ += '\n';
  }

  std::size_t width_;
  std::string text_;
  bool after_block_ = false;
};

/// The end of the run of indented lines that begins at `at`; blank lines inside belong to it.
std::size_t end_of_indented(const std::vector<std::string_view>& lines, std::size_t at) {
  std::size_t end = at;
  for (std::size_t i = at; i < lines.size() && (empty_line(lines[i]) || indentation(lines[i]) > 0); ++i) {
    if (!empty_line(lines[i])) end = i + 1;
  }
  return end;
}

}  // namespace

std::vector<std::string> wrap_greedily(std::string_view text, std::size_t width) {
  std::vector<std::string> wrapped;
  for (const auto line : lines_of(text)) {
    std::string current;
    for (const std::string& word : words_of(line)) {
      if (!current.empty() && width_of(current) + 1 + width_of(word) > width) wrapped.push_back(std::exchange(current, {}));
      current += (current.empty() ? "" : " ") + word;
    }
    wrapped.push_back(std::move(current));
  }
  return wrapped;
}

std::string reflow(std::string_view message, std::size_t columns) {
  const std::vector<std::string_view> lines = lines_of(message);
  Reflow layout(columns - hanging - 1);
  bool blank_before = false;
  for (std::size_t i = 0; i < lines.size();) {
    if (empty_line(lines[i])) {
      blank_before = true;
      ++i;
      continue;
    }
    if (indentation(lines[i]) > 0) {
      const std::size_t end = end_of_indented(lines, i);
      const std::vector<std::string_view> run(lines.begin() + static_cast<std::ptrdiff_t>(i),
                                              lines.begin() + static_cast<std::ptrdiff_t>(end));
      if (item_marker(run.front()).empty()) {
        layout.add_block(run);
      } else {
        layout.add_list(run, blank_before);
      }
      i = end;
    } else {
      std::string paragraph;
      for (; i < lines.size() && !empty_line(lines[i]) && indentation(lines[i]) == 0; ++i)
        paragraph += std::string(lines[i]) + " ";
      layout.add_paragraph(paragraph);
    }
    blank_before = false;
  }
  return layout.take();
}

std::string wrap_warning(std::string_view message, std::size_t columns) {
  while (!message.empty() && is_blank(message.back())) message.remove_suffix(1);
  std::string text;
  for (std::string_view line : lines_of(message)) {
    std::size_t indent = indentation(line) + 2;
    line.remove_prefix(indent - 2);
    if (indent > columns / 2) indent = 4;
    const std::size_t room = columns - indent;
    while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
    if (line.empty()) text += '\n';
    while (!line.empty()) {
      std::size_t end = line.size();
      if (width_of(line) > room) {
        end = 0;
        for (std::size_t width = 0; end < line.size() && width <= room; ++width) {  // the first byte past the room
          if (width == room) break;
          do ++end;
          while (end < line.size() && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U);
        }
        const auto blank = line.rfind(' ', end);
        if (blank != std::string_view::npos && blank > 0) end = blank;
      }
      std::string_view piece = line.substr(0, end);
      while (!piece.empty() && is_blank(piece.back())) piece.remove_suffix(1);
      text += std::string(indent, ' ') + std::string(piece) + '\n';
      line.remove_prefix(end);
      while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
    }
  }
  return text;
}

}  // namespace cobble::client
