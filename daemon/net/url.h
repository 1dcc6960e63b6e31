#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace cobble::net {

/// An absolute or relative URL in its parts, still percent-encoded where it was. Pure.
struct Url {
  std::string scheme;                   ///< lower case; empty: none
  bool has_user = false;                ///< whether user information was given
  std::string user;                     ///< decoded
  std::optional<std::string> password;  ///< decoded; none: no colon
  std::string host;                     ///< as in the URL, without port; an IPv6 address without brackets
  bool bracketed = false;               ///< whether the host stood in brackets
  std::string port;                     ///< digits; empty: none
  bool has_authority = false;
  std::string opaque;  ///< what follows `scheme:` when it doesn't begin with a slash
  std::string path;
  std::string query;  ///< without `?`
  bool has_query = false;
  std::string fragment;  ///< without `#`
  bool has_fragment = false;

  /// Host and port as in a Host header: `h`, `h:80`, `[::1]:80`.
  std::string host_port() const;
  /// The port, or 443 for https and 80 otherwise.
  std::string port_or_default() const;
  /// Path (at least `/`) and query, encoded for the request line.
  std::string target() const;
  /// The whole URL; a password reads `***` when `redacted`.
  std::string text(bool redacted) const;
};

/// Takes a URL apart. The error is the reference's reason without the `parse "…": ` before it (contract 06, section 3.4):
/// `first path segment in URL cannot contain colon`, `invalid port ":abc" after host` …
std::expected<Url, std::string> parse_url(std::string_view text);

/// The URL that `reference` means when it stands at `base` (RFC 3986, section 5.2).
Url resolve_reference(const Url& base, const Url& reference);

}  // namespace cobble::net
