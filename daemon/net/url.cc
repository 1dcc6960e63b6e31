#include "daemon/net/url.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "daemon/base/text.h"
#include "layers/quote.h"

namespace cobble::net {

namespace {

bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The first malformed escape in `text`, up to three bytes; empty when all are well.
std::string_view bad_escape(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') continue;
    if (i + 2 >= text.size() || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0) return text.substr(i, 3);
    i += 2;
  }
  return {};
}

std::unexpected<std::string> escape_error(std::string_view escape) {
  return std::unexpected("invalid URL escape " + layers::quote(escape));
}

bool allowed_in_host(char c) {
  if (is_alpha(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80) return true;
  return std::string_view("-_.~!$&'()*+,;=:[]<>\"%").find(c) != std::string_view::npos;
}

/// Escapes what may not stand in a request line as it is; existing escapes stay.
void append_encoded(std::string& out, std::string_view text) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte >= 0x7f || c == '"' || c == '<' || c == '>' || c == '\\' || c == '^' || c == '`' || c == '{' ||
        c == '|' || c == '}') {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += c;
    }
  }
}

/// Takes `scheme:` off the front of `rest`.
std::expected<std::string, std::string> take_scheme(std::string_view& rest) {
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const char c = rest[i];
    if (is_alpha(c)) continue;
    if (is_digit(c) || c == '+' || c == '-' || c == '.') {
      if (i == 0) return std::string();
      continue;
    }
    if (c != ':') return std::string();
    if (i == 0) return std::unexpected("missing protocol scheme");
    std::string scheme = base::to_lower(rest.substr(0, i));
    rest.remove_prefix(i + 1);
    return scheme;
  }
  return std::string();
}

std::expected<void, std::string> parse_user(std::string_view text, Url& url) {
  for (const char c : text)
    if (!is_alpha(c) && !is_digit(c) && std::string_view("-._:~!$&'()*+,;=%@").find(c) == std::string_view::npos)
      return std::unexpected("net/url: invalid userinfo");
  if (const auto escape = bad_escape(text); !escape.empty()) return escape_error(escape);
  url.has_user = true;
  const auto colon = text.find(':');
  url.user = base::percent_decode(text.substr(0, colon), false).value_or("");
  if (colon != std::string_view::npos) url.password = base::percent_decode(text.substr(colon + 1), false).value_or("");
  return {};
}

std::expected<void, std::string> parse_port(std::string_view text, Url& url) {
  if (text.empty()) return {};
  if (text[0] != ':' || !std::all_of(text.begin() + 1, text.end(), is_digit))
    return std::unexpected("invalid port " + layers::quote(text) + " after host");
  url.port = text.substr(1);
  return {};
}

std::expected<void, std::string> parse_host(std::string_view text, Url& url) {
  if (!text.empty() && text[0] == '[') {
    const auto end = text.rfind(']');
    if (end == std::string_view::npos) return std::unexpected("missing ']' in host");
    if (auto port = parse_port(text.substr(end + 1), url); !port) return port;
    url.bracketed = true;
    text = text.substr(1, end - 1);
  } else if (const auto colon = text.rfind(':'); colon != std::string_view::npos) {
    if (auto port = parse_port(text.substr(colon), url); !port) return port;
    text = text.substr(0, colon);
  }
  if (const auto escape = bad_escape(text); !escape.empty()) return escape_error(escape);
  for (const char c : text)
    if (!allowed_in_host(c))
      return std::unexpected("invalid character " + layers::quote(std::string_view(&c, 1)) + " in host name");
  url.host = text;
  return {};
}

std::expected<void, std::string> parse_authority(std::string_view text, Url& url) {
  url.has_authority = true;
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    if (auto host = parse_host(text.substr(at + 1), url); !host) return host;
    return parse_user(text.substr(0, at), url);
  }
  return parse_host(text, url);
}

/// Resolves `.` and `..` segments of an absolute path.
std::string remove_dot_segments(std::string_view path) {
  std::vector<std::string_view> kept;
  bool slash_at_end = false;
  std::string_view rest = path;
  while (!rest.empty()) {
    if (rest.front() == '/') rest.remove_prefix(1);
    const auto end = std::min(rest.find('/'), rest.size());
    const auto segment = rest.substr(0, end);
    slash_at_end = segment == "." || segment == "..";
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (segment != ".") {
      kept.push_back(segment);
    }
    rest.remove_prefix(end);
  }
  std::string out;
  for (const auto segment : kept) out.append("/").append(segment);
  if (slash_at_end || out.empty()) out += '/';
  return out;
}

std::string encode_user(std::string_view text) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_alpha(c) || is_digit(c) || std::string_view("-_.~$&+,;=").find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

}  // namespace

std::expected<Url, std::string> parse_url(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::unexpected("net/url: invalid control character in URL");
  Url url;
  std::string_view rest = text;
  if (const auto hash = rest.find('#'); hash != std::string_view::npos) {
    url.has_fragment = true;
    url.fragment = rest.substr(hash + 1);
    if (const auto escape = bad_escape(url.fragment); !escape.empty()) return escape_error(escape);
    rest = rest.substr(0, hash);
  }
  auto scheme = take_scheme(rest);
  if (!scheme) return std::unexpected(scheme.error());
  url.scheme = std::move(*scheme);
  if (const auto mark = rest.find('?'); mark != std::string_view::npos) {
    url.has_query = true;
    url.query = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
  }
  if (!rest.starts_with('/')) {
    if (!url.scheme.empty()) {
      url.opaque = rest;
      return url;
    }
    if (const auto colon = rest.find(':'); colon != std::string_view::npos && colon < std::min(rest.find('/'), rest.size()))
      return std::unexpected("first path segment in URL cannot contain colon");
  }
  if (rest.starts_with("//")) {
    const auto end = std::min(rest.find('/', 2), rest.size());
    if (auto authority = parse_authority(rest.substr(2, end - 2), url); !authority) return std::unexpected(authority.error());
    rest.remove_prefix(end);
  }
  if (const auto escape = bad_escape(rest); !escape.empty()) return escape_error(escape);
  url.path = rest;
  return url;
}

std::string Url::host_port() const {
  std::string out = host.find(':') != std::string::npos || bracketed ? "[" + host + "]" : host;
  if (!port.empty()) out += ":" + port;
  return out;
}

std::string Url::port_or_default() const {
  if (!port.empty()) return port;
  return scheme == "https" ? "443" : "80";
}

std::string Url::target() const {
  std::string out;
  append_encoded(out, path);
  if (!out.starts_with('/')) out.insert(out.begin(), '/');
  if (has_query) {
    out += '?';
    append_encoded(out, query);
  }
  return out;
}

std::string Url::text(bool redacted) const {
  std::string out;
  if (!scheme.empty()) out += scheme + ":";
  out += opaque;
  if (has_authority) {
    out += "//";
    if (has_user) {
      out += encode_user(user);
      if (password) out += ":" + (redacted ? std::string("***") : encode_user(*password));
      out += "@";
    }
    out += host_port();
  }
  append_encoded(out, path);
  if (has_query) out += "?" + query;
  if (has_fragment) out += "#" + fragment;
  return out;
}

Url resolve_reference(const Url& base, const Url& reference) {
  Url url = reference;
  if (!reference.scheme.empty()) return url;
  url.scheme = base.scheme;
  if (reference.has_authority) return url;
  url.has_authority = base.has_authority;
  url.has_user = base.has_user;
  url.user = base.user;
  url.password = base.password;
  url.host = base.host;
  url.bracketed = base.bracketed;
  url.port = base.port;
  if (reference.path.empty()) {
    url.path = base.path;
    if (!reference.has_query) {
      url.query = base.query;
      url.has_query = base.has_query;
    }
    return url;
  }
  if (!reference.path.starts_with('/')) {
    const auto slash = base.path.rfind('/');
    url.path = (slash == std::string::npos ? "/" : base.path.substr(0, slash + 1)) + reference.path;
  }
  url.path = remove_dot_segments(url.path);
  return url;
}

}  // namespace cobble::net
