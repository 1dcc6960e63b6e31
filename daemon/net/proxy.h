#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/net/url.h"

namespace cobble::net {

/// Which proxy a request takes: HTTP_PROXY, HTTPS_PROXY, NO_PROXY and their lower-case forms. Pure.
struct ProxySettings {
  std::string http;
  std::string https;
  std::string
      none;  ///< NO_PROXY: comma-separated hosts, domains (`.x`, `x`), addresses, address ranges, `*`; each with a port or not

  /// `variable` gives the value of an environment variable, empty when unset.
  static ProxySettings from(const std::function<std::string(const char*)>& variable);

  /// The proxy's URL; none: connect directly, as always to `localhost` and loopback addresses.
  std::optional<Url> choose(const Url& target) const;
};

/// `name:password` as a `Basic` credential.
std::string basic_credential(std::string_view user, std::string_view password);

}  // namespace cobble::net
