#include "client/commands/roff.h"

#include "client/commands/wrap.h"

namespace cobble::client {
namespace {

constexpr std::size_t line_width = 76;

/// One line with backslashes and hyphens that stand for themselves.
std::string escaped(std::string_view line) {
  std::string out;
  if (line.starts_with('.') || line.starts_with('\'')) out += "\\&";
  for (const char c : line) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string roff_text(std::string_view text) {
  std::string out;
  for (const std::string& line : wrap_greedily(text, line_width)) out += escaped(line) + "\n";
  return out;
}

std::string roff_bold(std::string_view text) {
  return "\\fB" + escaped(text) + "\\fP";
}

std::string roff_italic(std::string_view text) {
  return "\\fI" + escaped(text) + "\\fP";
}

std::string roff_paragraphs(std::string_view text) {
  std::string out;
  for (;;) {
    const auto end = text.find("\n\n");
    out += (out.empty() ? "" : ".PP\n") + roff_text(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 2);
  }
}

std::string roff_entry(const std::string& head, std::string_view text) {
  return ".TP\n" + head + "\n" + roff_text(text);
}

std::string roff_example(std::string_view text) {
  std::string out = ".PP\n.nf\n";
  while (!text.empty()) {
    const auto end = text.find('\n');
    out += escaped(text.substr(0, end)) + "\n";
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out + ".fi\n";
}

}  // namespace cobble::client
