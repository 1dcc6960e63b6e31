#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/base/loop.h"
#include "daemon/net/tls_options.h"

/// Requests that the daemon itself makes: http checks (contract 06, section 3.4) and log forwarding (contract 07).
namespace cobble::net {

struct HttpRequest {
  std::string method = "GET";
  /// `http://`, `https://`, or `http+unix://` with the percent-encoded path of a socket as host.
  std::string url;
  /// Sent in this order after `Host` and `User-Agent`. An own `User-Agent` replaces the default one (empty: none is sent), an own
  /// `Host` replaces that of the URL; `Content-Length` and `Transfer-Encoding` are the client's business and left out.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

/// Limits of one request, redirects included.
struct HttpOptions {
  base::Nanoseconds timeout = std::chrono::seconds(10);  ///< covers everything from the look-up of the name to the body's end
  std::size_t head_limit = 256 * 1024;                   ///< bytes of a response's head
  std::size_t body_limit = 1024 * 1024;                  ///< bytes of the (unpacked) body that are kept; reading stops there
  int redirect_limit = 10;                               ///< requests in all; 0: a redirect is an answer like any other
  bool gzip = true;               ///< offers gzip (unless the request has an own Accept-Encoding or a Range) and unpacks it
  bool skip_body_on_2xx = false;  ///< a 2xx answer is complete with its head
  std::string user_agent = "Go-http-client/1.1";
  TlsOptions tls = {};  ///< for https
};

struct HttpResponse {
  int status = 0;
  std::string reason;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool body_cut = false;   ///< the body went on beyond `body_limit`
  std::string body_error;  ///< why the body ended early (`unexpected EOF`, `context deadline exceeded`); empty: it didn't

  /// First value of a header, name in any case; empty when absent.
  std::string_view header(std::string_view name) const;
};

struct HttpError {
  enum class Kind {
    bad_url,    ///< `text` is such as `parse "127.0.0.1:80/x": first path segment in URL cannot contain colon`
    timed_out,  ///< `text` is such as `Post "http://h/": context deadline exceeded`
    failed      ///< `text` is such as `Get "http://h/": dial tcp 127.0.0.1:80: connect: connection refused`
  };
  Kind kind = Kind::failed;
  std::string text;  ///< with passwords of URLs as `***`
};

/// Sends requests over connections that it keeps for a while after use (a few a target, 90 s at most). Proxies come from the
/// daemon's environment (HTTP_PROXY, HTTPS_PROXY, NO_PROXY), never for loopback targets. On the loop's thread only.
class HttpClient {
 public:
  explicit HttpClient(base::IoContext& loop);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Sends one request and reads the answer. Any status is a success here. Cancelling the calling coroutine closes the
  /// connection. The client must outlive the call.
  base::Task<std::expected<HttpResponse, HttpError>> send(HttpRequest request, HttpOptions options);

  /// Closes the connections that are kept and not in use.
  void close_idle();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace cobble::net
