#include "client/api/endpoint.h"

#include "layers/quote.h"

namespace cobble::client {
namespace {

/// The URL with `***` in place of a password.
std::string redacted(std::string_view url) {
  std::string text(url);
  const auto at = text.rfind('@');
  if (at == std::string::npos) return text;
  const auto slashes = text.find("//");
  const auto colon = text.find(':', slashes == std::string::npos ? 0 : slashes);
  if (colon < at) text.replace(colon + 1, at - colon - 1, "***");
  return text;
}

std::unexpected<Error> bad_url(std::string_view url, std::string_view why) {
  return fail("cannot create client: cannot parse base URL: parse " + layers::quote(redacted(url)) + ": " + std::string(why));
}

/// Text in which `%41` stands for `A`; what is no such pair stays as it is.
std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool pair = text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
    decoded += pair ? static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])) : text[i];
    if (pair) i += 2;
  }
  return decoded;
}

bool is_scheme(std::string_view text) {
  if (text.empty()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool later = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    if (!letter && !(later && i > 0)) return false;
  }
  return true;
}

/// Reads `host:port` into the endpoint; an empty text is what is wrong with it.
std::string_view read_authority(Endpoint& endpoint, std::string_view text) {
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    std::string& login = endpoint.credentials.login;
    if (login.empty()) login = percent_decoded(text.substr(0, at));
    text.remove_prefix(at + 1);
  }
  endpoint.host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return "missing ']' in host";
    endpoint.address = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!port.empty() && port[0] != ':') return "invalid port after host";
  } else {
    const auto colon = text.find(':');
    endpoint.address = text.substr(0, colon);
    if (colon != std::string_view::npos) port = text.substr(colon);
  }
  if (port.find_first_not_of("0123456789", 1) != std::string_view::npos) return "invalid port after host";
  if (port.size() > 1) endpoint.port = port.substr(1);
  return {};
}

}  // namespace

std::string Endpoint::url(std::string_view target) const {
  if (!tcp) return "http://localhost" + std::string(target);
  return (scheme.empty() ? std::string() : scheme + "://" + host) + base_path + std::string(target);
}

Result<Endpoint> make_endpoint(std::string socket_path, std::string_view base_url, Credentials credentials) {
  Endpoint endpoint;
  endpoint.credentials = std::move(credentials);
  endpoint.socket_path = std::move(socket_path);
  if (base_url.empty()) return endpoint;
  endpoint.tcp = true;
  for (const char c : base_url) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') return bad_url(base_url, "net/url: invalid control character in URL");
  }
  std::string_view rest = base_url.substr(0, base_url.find_first_of("?#"));
  const auto colon = rest.find(':');
  if (colon != std::string_view::npos && colon < rest.find('/')) {
    if (colon == 0) return bad_url(base_url, "missing protocol scheme");
    if (!is_scheme(rest.substr(0, colon))) return bad_url(base_url, "first path segment in URL cannot contain colon");
    endpoint.scheme = rest.substr(0, colon);
    if (endpoint.secure()) endpoint.port = "443";
    rest.remove_prefix(colon + 1);
  } else {
    endpoint.scheme.clear();
  }
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const auto slash = rest.find('/');
    const std::string_view fault = read_authority(endpoint, rest.substr(0, slash));
    if (!fault.empty()) return bad_url(base_url, fault);
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
  }
  while (rest.ends_with('/')) rest.remove_suffix(1);
  endpoint.base_path = rest;
  return endpoint;
}

std::string query_escape(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                       c == '.' || c == '~';
    if (plain) {
      escaped += c;
    } else if (c == ' ') {
      escaped += '+';
    } else {
      escaped += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return escaped;
}

Query& Query::add(std::string_view key, std::string_view value) {
  text_ += text_.empty() ? '?' : '&';
  text_ += query_escape(key) + "=" + query_escape(value);
  return *this;
}

}  // namespace cobble::client
