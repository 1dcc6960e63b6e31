#include "daemon/files/media_type.h"

#include <algorithm>

#include "daemon/base/text.h"

namespace cobble::files {

namespace {

constexpr std::string_view specials = "()<>@,;:\\\"/[]?=";

bool is_token_char(char c) {
  return c > ' ' && c < '\x7f' && specials.find(c) == std::string_view::npos;
}

void skip_space(std::string_view& rest) {
  while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t' || rest.front() == '\r' || rest.front() == '\n'))
    rest.remove_prefix(1);
}

std::string_view take_token(std::string_view& rest) {
  const std::size_t length = static_cast<std::size_t>(std::ranges::find_if_not(rest, is_token_char) - rest.begin());
  const std::string_view token = rest.substr(0, length);
  rest.remove_prefix(length);
  return token;
}

std::optional<std::string> take_quoted(std::string_view& rest) {
  std::string value;
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return value;
    }
    if (rest[i] == '\r' || rest[i] == '\n') return std::nullopt;
    if (rest[i] == '\\' && i + 1 < rest.size() && specials.find(rest[i + 1]) != std::string_view::npos) ++i;
    value += rest[i];
  }
  return std::nullopt;
}

/// `UTF-8'language'percent-encoded` (RFC 2231).
std::optional<std::string> decode_extended(std::string_view text) {
  const std::size_t first = text.find('\'');
  const std::size_t second = first == std::string_view::npos ? first : text.find('\'', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const std::string charset = base::to_lower(text.substr(0, first));
  if (charset != "utf-8" && charset != "us-ascii") return std::nullopt;
  return base::percent_decode(text.substr(second + 1), false);
}

/// One `; name=value`; false when it is malformed.
bool take_parameter(std::string_view& rest, MediaType& media) {
  rest.remove_prefix(1);
  skip_space(rest);
  if (rest.empty()) return true;
  std::string name = base::to_lower(take_token(rest));
  skip_space(rest);
  if (name.empty() || !rest.starts_with('=')) return false;
  rest.remove_prefix(1);
  skip_space(rest);
  std::optional<std::string> value;
  if (rest.starts_with('"')) {
    value = take_quoted(rest);
  } else if (const std::string_view token = take_token(rest); !token.empty()) {
    value = std::string(token);
  }
  if (!value) return false;
  if (name.ends_with('*')) {
    name.pop_back();
    value = decode_extended(*value);
    if (!value) return true;
  }
  return media.parameters.emplace(std::move(name), std::move(*value)).second;
}

}  // namespace

std::string_view MediaType::parameter(std::string_view name) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::string_view() : std::string_view(found->second);
}

std::optional<MediaType> parse_media_type(std::string_view text) {
  skip_space(text);
  MediaType media;
  media.type = base::to_lower(take_token(text));
  if (media.type.empty()) return std::nullopt;
  if (text.starts_with('/')) {
    text.remove_prefix(1);
    const std::string subtype = base::to_lower(take_token(text));
    if (subtype.empty()) return std::nullopt;
    media.type += '/' + subtype;
  }
  skip_space(text);
  while (!text.empty()) {
    if (!text.starts_with(';') || !take_parameter(text, media)) return std::nullopt;
    skip_space(text);
  }
  return media;
}

}  // namespace cobble::files
