#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "daemon/access/identity_key.h"
#include "daemon/base/stream.h"

/// The HTTPS side of the daemon (contract 08, section 2.12).
namespace cobble::access {

/// TLS 1.3 for accepted connections, with certificates made from the identity key. Nothing of it exists until the first
/// handshake. On the loop's thread.
class TlsServer {
 public:
  /// `directory`: the daemon's, in which `tls/identity.pem` is kept.
  TlsServer(base::IoContext& loop, IdentityKey key, std::string directory);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  /// A connection after its handshake.
  struct Accepted {
    std::unique_ptr<base::Stream> stream;
    std::string certificate_der;  ///< the client's one certificate
  };

  /// Agrees with a client, for at most `limit`. The error is the text after `TLS handshake error from …: `; the client has been
  /// told and the connection is closed.
  base::Task<std::expected<Accepted, std::string>> accept(base::Socket socket, base::Nanoseconds limit);

  const std::string& fingerprint() const { return key_.fingerprint(); }

 private:
  struct Callbacks;

  std::expected<void, std::string> prepare();
  bool leaf_usable() const;

  base::IoContext& loop_;
  IdentityKey key_;
  std::string directory_;
  tls::SslContextPtr context_;
  tls::CertificatePtr identity_;
  Leaf leaf_;
};

}  // namespace cobble::access
