#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "client/api/endpoint.h"

namespace cobble::client {

/// How many bytes went through; none: not now, 0 when receiving: the other side has closed. Or what is wrong.
using IoResult = std::expected<std::optional<std::size_t>, std::string>;

/// TLS over a connected socket, as a client (contract 08, section 2.12). Does what is possible at once and never waits, but for
/// its start. OpenSSL is not touched before.
class TlsLayer {
 public:
  /// Agrees with the server at the other end of `fd`, which stays the caller's, within `limit`. The server must be the one that
  /// the endpoint's credentials pin: its fingerprint, or else a certificate signed by one of the CA file's. Pebble's own
  /// certificates carry no names; a certificate that does must be valid for the host. Without either of them any server will do:
  /// such a connection is good for nothing but looking at its fingerprint.
  static std::expected<std::unique_ptr<TlsLayer>, Trouble> start(int fd, const Endpoint& endpoint,
                                                                 std::chrono::milliseconds limit);
  ~TlsLayer();
  TlsLayer(const TlsLayer&) = delete;
  TlsLayer& operator=(const TlsLayer&) = delete;

  /// The server's fingerprint; empty if it has none.
  std::string fingerprint() const;

  IoResult send_some(std::string_view data);
  IoResult receive_some(char* buffer, std::size_t size);
  /// Whether received bytes are waiting here, so that the socket need not be readable.
  bool pending() const;
  /// Whether reading would give a byte, the end or an error.
  bool readable();

 private:
  struct Session;
  explicit TlsLayer(std::unique_ptr<Session> session);
  std::unique_ptr<Session> session_;
};

}  // namespace cobble::client
