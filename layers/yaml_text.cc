#include "layers/yaml_text.h"

#include <cstdint>

#include "layers/utf8.h"

namespace cobble::layers {

namespace {

using Text = std::expected<std::string, std::string>;

Text from_utf16(std::string_view text, bool big_endian) {
  if (text.size() % 2 != 0) return std::unexpected("yaml: incomplete UTF-16 character");
  const auto unit = [&](std::size_t i) {
    const auto first = static_cast<unsigned char>(text[i]);
    const auto second = static_cast<unsigned char>(text[i + 1]);
    return static_cast<std::uint32_t>(big_endian ? first << 8 | second : second << 8 | first);
  };
  std::string out;
  for (std::size_t i = 2; i < text.size(); i += 2) {
    std::uint32_t c = unit(i);
    if (c >= 0xDC00 && c < 0xE000) return std::unexpected("yaml: unexpected low surrogate area");
    if (c >= 0xD800 && c < 0xDC00) {
      if (i + 3 >= text.size()) return std::unexpected("yaml: incomplete UTF-16 surrogate pair");
      const std::uint32_t low = unit(i + 2);
      if (low < 0xDC00 || low >= 0xE000) return std::unexpected("yaml: expected low surrogate area");
      c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
      i += 2;
    }
    append_utf8(out, c);
  }
  return out;
}

bool allowed(std::uint32_t c) {
  if (c < 0x20) return c == '\t' || c == '\n' || c == '\r';
  return c != 0x7F && (c < 0x80 || c > 0x9F || c == 0x85) && c != 0xFFFE && c != 0xFFFF;
}

/// Checks every character and makes line ends LF.
Text checked(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 8);
  while (!text.empty()) {
    std::uint32_t c = 0;
    const std::size_t length = decode_utf8(text, c);
    if (length == 0) {
      return std::unexpected(text.size() < 4 ? "yaml: incomplete UTF-8 octet sequence" : "yaml: invalid UTF-8 octet sequence");
    }
    if (!allowed(c)) return std::unexpected("yaml: control characters are not allowed");
    if (c == '\r') {
      out += '\n';
      text.remove_prefix(text.size() > 1 && text[1] == '\n' ? 2 : 1);
    } else {
      out += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return out;
}

bool is_marker(std::string_view line, std::string_view marker) {
  return line.starts_with(marker) && (line.size() == 3 || line[3] == ' ' || line[3] == '\t');
}

std::expected<void, std::string> check_directive(std::string_view line) {
  std::string_view rest = line.substr(1);
  const std::size_t end = rest.find_first_of(" \t");
  const std::string_view name = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end);
  const std::size_t first = rest.find_first_not_of(" \t");
  const std::string_view value =
      first == std::string_view::npos ? std::string_view() : rest.substr(first, rest.find_first_of(" \t#", first) - first);
  if (name == "YAML" && value != "1.1") return std::unexpected("yaml: found incompatible YAML document");
  if (name != "YAML" && name != "TAG") return std::unexpected("yaml: found unknown directive name");
  return {};
}

/// Length of the text up to the end of the first document. A line that starts with a marker ends it wherever it stands, also in a
/// quoted scalar.
std::expected<std::size_t, std::string> first_document(std::string_view text) {
  const auto no_start = [] { return std::unexpected("yaml: did not find expected <document start>"); };
  bool begun = false;
  bool directives = false;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = text.find('\n', at);
    if (end == std::string_view::npos) end = text.size();
    const std::string_view line = text.substr(at, end - at);
    if (is_marker(line, "---")) {
      if (begun) return at;
      begun = true;
    } else if (is_marker(line, "...")) {
      if (begun) return at;
      if (directives) return no_start();
    } else if (!begun && line.starts_with('%')) {
      if (auto good = check_directive(line); !good) return std::unexpected(std::move(good.error()));
      directives = true;
    } else if (const std::size_t first = line.find_first_not_of(" \t"); first != std::string_view::npos && line[first] != '#') {
      if (!begun && directives) return no_start();
      begun = true;
    }
    at = end + 1;
  }
  if (!begun && directives) return no_start();
  return text.size();
}

}  // namespace

Text prepare_yaml(std::string_view text) {
  std::string converted;
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    auto utf8 = from_utf16(text, text.starts_with("\xFE"));
    if (!utf8) return utf8;
    converted = std::move(*utf8);
    text = converted;
  } else if (text.starts_with("\xEF\xBB\xBF")) {
    text.remove_prefix(3);
  }
  auto clean = checked(text);
  if (!clean) return clean;
  auto size = first_document(*clean);
  if (!size) return std::unexpected(std::move(size.error()));
  clean->resize(*size);
  return clean;
}

}  // namespace cobble::layers
