#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "client/api/error.h"

namespace cobble::client {

/// How a server over TCP is told from others, and how it knows us; empty: not given.
struct Credentials {
  std::string fingerprint;  ///< the server's (contract 08, section 2.12)
  std::string ca_file;      ///< PEM file: one of its certificates must have signed the server's
  std::string cert_file;    ///< PEM file with our certificate, shown over https
  std::string key_file;     ///< its key; empty: in `cert_file`
  std::string login;        ///< `user:password`, sent with each request

  bool verifies_server() const { return !fingerprint.empty() || !ca_file.empty(); }
};

/// Where the server is: a Unix socket, or `http://host:port/path` (contract 10, section 2.2).
struct Endpoint {
  std::string socket_path;  ///< exactly as configured; also the key in the client's state file
  bool tcp = false;         ///< a base URL is used instead of the socket
  std::string scheme = "http";
  std::string host = "localhost";  ///< for the Host header, with its port if the URL names one
  std::string address;             ///< host to connect to, without brackets
  std::string port = "80";
  std::string base_path;  ///< put before `/v1/…`, without a slash at the end
  Credentials credentials;

  /// Whether the connection is made with TLS.
  bool secure() const { return tcp && scheme == "https"; }

  /// The full URL of a request, as error texts show it.
  std::string url(std::string_view target) const;
};

/// The server at `socket_path`, or at `base_url` if that is not empty. User and password in the URL count when the credentials
/// name none. Fails for a URL that cannot be understood: `cannot create client: cannot parse base URL: …`, without the password.
Result<Endpoint> make_endpoint(std::string socket_path, std::string_view base_url, Credentials credentials = {});

/// Percent-encodes what may not stand in a query's key or value; a blank becomes `+`.
std::string query_escape(std::string_view text);

/// A query string made of keys and values; keys must be added in the order in which they are to be sent (sorted).
class Query {
 public:
  Query& add(std::string_view key, std::string_view value);
  /// `?a=b&c=d`, or nothing if nothing was added.
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace cobble::client
