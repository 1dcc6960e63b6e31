#pragma once

#include <expected>
#include <string>

namespace cobble::logs::forwarding {

/// Where a syslog target is.
struct SyslogLocation {
  enum class Transport { tcp, udp, tls, unix_socket };
  Transport transport = Transport::tcp;
  std::string host;  ///< without brackets; of unix_socket: the path
  std::string port;  ///< may be missing
  std::string text;  ///< `tcp://host:port`, as messages name it
};

/// Reads `tcp://host:port` or `udp://host:port`, and beyond the contract `tls://host:port` and `unix:///path`. The error is the
/// contract's text (07, section 8.4), a password in it masked.
std::expected<SyslogLocation, std::string> parse_syslog_location(const std::string& location);

}  // namespace cobble::logs::forwarding
