#include "daemon/logs/forwarding/syslog_location.h"

#include "daemon/net/url.h"
#include "layers/quote.h"

namespace cobble::logs::forwarding {

std::expected<SyslogLocation, std::string> parse_syslog_location(const std::string& location) {
  const auto url = net::parse_url(location);
  if (!url) return std::unexpected("invalid syslog server location: parse " + layers::quote(location) + ": " + url.error());
  using Transport = SyslogLocation::Transport;
  SyslogLocation parsed;
  if (url->scheme == "unix" && url->host.empty() && url->path.size() > 1) {
    parsed.transport = Transport::unix_socket;
    parsed.host = url->path;
    parsed.text = "unix://" + url->path;
    return parsed;
  }
  const bool known = url->scheme == "tcp" || url->scheme == "udp" || url->scheme == "tls";
  if (!known || url->host.empty())
    return std::unexpected("invalid syslog server location " + layers::quote(url->text(true)) +
                           ", must be in form \"tcp://host:port\" or \"udp://host:port\"");
  parsed.transport = url->scheme == "tcp" ? Transport::tcp : url->scheme == "udp" ? Transport::udp : Transport::tls;
  parsed.host = url->host;
  parsed.port = url->port;
  parsed.text = url->scheme + "://" + url->host_port();
  return parsed;
}

}  // namespace cobble::logs::forwarding
