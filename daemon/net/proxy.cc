#include "daemon/net/proxy.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include "daemon/base/text.h"
#include "layers/base64.h"

namespace cobble::net {

namespace {

namespace ip = boost::asio::ip;

bool in_range(const ip::address& address, std::string_view range) {
  boost::system::error_code error;
  if (address.is_v4()) {
    const auto network = ip::make_network_v4(std::string(range), error);
    return !error && (address.to_v4().to_uint() & network.netmask().to_uint()) == network.network().to_uint();
  }
  const auto network = ip::make_network_v6(std::string(range), error);
  return !error && ip::network_v6(address.to_v6(), network.prefix_length()).network() == network.network();
}

/// Whether one item of NO_PROXY covers a host and port.
bool covers(std::string_view item, std::string_view host, std::string_view port) {
  if (item == "*") return true;
  boost::system::error_code error;
  const auto address = ip::make_address(std::string(host), error);
  const bool is_address = !error;
  if (item.find('/') != std::string_view::npos) return is_address && in_range(address, item);
  if (const auto colon = item.rfind(':'); colon != std::string_view::npos && item.find(':') == colon) {
    if (item.substr(colon + 1) != port) return false;
    item = item.substr(0, colon);
  }
  if (is_address) return item == host;
  if (item.starts_with("*.")) item.remove_prefix(1);
  if (item.starts_with('.')) return host.ends_with(item);
  return host == item || (host.ends_with(item) && host[host.size() - item.size() - 1] == '.');
}

}  // namespace

ProxySettings ProxySettings::from(const std::function<std::string(const char*)>& variable) {
  const auto either = [&](const char* upper, const char* lower) {
    std::string value = variable(upper);
    return value.empty() ? variable(lower) : value;
  };
  return {either("HTTP_PROXY", "http_proxy"), either("HTTPS_PROXY", "https_proxy"), either("NO_PROXY", "no_proxy")};
}

std::optional<Url> ProxySettings::choose(const Url& target) const {
  const std::string& text = target.scheme == "https" ? https : http;
  if (text.empty()) return std::nullopt;
  const std::string host = base::to_lower(target.host);
  boost::system::error_code error;
  const auto address = ip::make_address(host, error);
  if (host == "localhost" || (!error && address.is_loopback())) return std::nullopt;
  const std::string port = target.port_or_default();
  for (std::size_t at = 0; at < none.size();) {
    const auto end = std::min(none.find(',', at), none.size());
    const std::string item = base::to_lower(base::trim(std::string_view(none).substr(at, end - at)));
    if (!item.empty() && covers(item, host, port)) return std::nullopt;
    at = end + 1;
  }
  auto url = parse_url(text);
  if (!url || url->host.empty()) url = parse_url("http://" + text);
  if (!url) return std::nullopt;
  return *url;
}

std::string basic_credential(std::string_view user, std::string_view password) {
  return "Basic " + layers::encode_base64(std::string(user).append(":").append(password));
}

}  // namespace cobble::net
