#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "daemon/net/openssl.h"

/// The daemon's own long-lived key and the certificates made with it (contract 08, section 2.12).
namespace cobble::access {

/// The Ed25519 key in `DIRECTORY/identity/key.pem`.
class IdentityKey {
 public:
  /// Reads the key below the daemon's directory, or makes and stores one. The error is the text after `cannot run daemon: `.
  static std::expected<IdentityKey, std::string> load_or_create(const std::string& directory);

  EVP_PKEY* get() const { return key_.get(); }
  /// Base32 of SHA-384 over the public key: 77 characters.
  const std::string& fingerprint() const { return fingerprint_; }
  /// The common name of its certificates: `pebble-` and the first 8 characters of the fingerprint.
  std::string common_name() const { return "pebble-" + fingerprint_.substr(0, 8); }

 private:
  explicit IdentityKey(net::KeyPtr key);

  net::KeyPtr key_;
  std::string fingerprint_;
};

/// Fingerprint of the 32 bytes of an Ed25519 public key.
std::string key_fingerprint(std::string_view public_key);

/// A server's certificate with its own key.
struct Leaf {
  net::KeyPtr key;
  net::CertificatePtr certificate;
};

/// The certificate that clients pin: signs itself and leaves, for ten years. Null when the library fails.
net::CertificatePtr make_identity_certificate(const IdentityKey& key);
/// A fresh key with a certificate of one hour, signed by the identity key. Empty when the library fails.
Leaf make_leaf(const IdentityKey& key);

/// Reads `DIRECTORY/tls/identity.pem`; makes it when it is missing or belongs to another key. The error is the text after
/// `TLS handshake error from …: `.
std::expected<net::CertificatePtr, std::string> load_or_create_certificate(const IdentityKey& key, const std::string& directory);

}  // namespace cobble::access
