#pragma once

#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/stream.h"
#include "daemon/net/proxy.h"
#include "daemon/net/tls_options.h"
#include "daemon/net/url.h"

namespace cobble::net {

/// Where a request is sent: requests with the same route can share a connection.
struct Route {
  Url target;
  std::optional<Url> proxy;
  TlsOptions tls;  ///< towards an https target, not its proxy

  /// Equal for routes that can share connections.
  std::string key() const;
  /// Whether the request line carries the whole URL.
  bool through_proxy() const { return proxy && target.scheme == "http"; }
};

/// Connects as a route says: a unix socket, TCP, TLS, a tunnel through a proxy. The error is the reference's text without the
/// method and URL. A limit of time is the caller's business.
base::Task<std::expected<std::unique_ptr<base::Stream>, std::string>> connect_route(base::IoContext& loop, Route route);

/// `read tcp 127.0.0.1:1->127.0.0.1:2: read: connection reset by peer`, as far as the addresses can be had; `EOF` at the end.
std::string stream_error_text(const base::Stream& stream, std::string_view operation, base::ErrorCode error);

/// Connections that wait to be used again: a few a route, for a while.
class IdleConnections {
 public:
  explicit IdleConnections(base::IoContext& loop) : timer_(loop) {}

  /// A connection that its other end hasn't closed; nullptr when there is none.
  std::unique_ptr<base::Stream> take(const std::string& key);
  void keep(const std::string& key, std::unique_ptr<base::Stream> stream);
  void clear();

 private:
  struct Idle {
    std::unique_ptr<base::Stream> stream;
    base::SteadyTime since;
  };
  void expire();

  std::map<std::string, std::vector<Idle>> idle_;
  base::Timer timer_;
  bool timer_runs_ = false;
};

}  // namespace cobble::net
