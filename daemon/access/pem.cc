#include "daemon/access/pem.h"

#include "layers/base64.h"

namespace cobble::access {

namespace {

constexpr std::string_view begin_mark = "-----BEGIN ";
constexpr std::string_view end_mark = "-----END ";
constexpr std::string_view dashes = "-----";
constexpr std::size_t line_length = 64;

/// Takes the first line off `text`, without its line end and the blanks before that.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
  return line;
}

/// The label of a BEGIN or END line; none when the line is another one.
std::optional<std::string_view> label_of(std::string_view line, std::string_view mark) {
  if (!line.starts_with(mark) || !line.ends_with(dashes) || line.size() < mark.size() + dashes.size()) return std::nullopt;
  return line.substr(mark.size(), line.size() - mark.size() - dashes.size());
}

/// The body of a block up to its END line.
std::optional<PemBlock> read_block(std::string_view label, std::string_view text) {
  std::string body;
  bool in_headers = true;
  while (!text.empty()) {
    const std::string_view before = text;
    const std::string_view line = take_line(text);
    if (label_of(line, end_mark) == label) {
      // Blanks behind the dashes belong to what follows.
      const std::string_view rest = before.substr(line.size());
      const std::size_t line_end = rest.starts_with("\r\n") ? 2 : rest.starts_with('\n') ? 1 : 0;
      auto content = layers::decode_base64(body);
      if (!content) return std::nullopt;
      return PemBlock{std::string(label), std::move(*content), rest.substr(line_end)};
    }
    if (line.starts_with(dashes)) return std::nullopt;
    if (in_headers && line.find(':') != std::string_view::npos) continue;
    if (!line.empty()) in_headers = false;
    body += line;
  }
  return std::nullopt;
}

}  // namespace

std::optional<PemBlock> find_pem_block(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const auto label = label_of(line, begin_mark);
    if (!label) continue;
    if (auto block = read_block(*label, text)) return block;
  }
  return std::nullopt;
}

std::string write_pem_block(std::string_view label, std::string_view content) {
  std::string text = std::string(begin_mark) + std::string(label) + std::string(dashes) + "\n";
  const std::string body = layers::encode_base64(content);
  for (std::size_t at = 0; at < body.size(); at += line_length) text += body.substr(at, line_length) + "\n";
  return text + std::string(end_mark) + std::string(label) + std::string(dashes) + "\n";
}

}  // namespace cobble::access
