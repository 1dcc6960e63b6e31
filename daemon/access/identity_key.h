#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "tls/openssl.h"

/// The daemon's own long-lived key and the certificates made with it (contract 08, section 2.12).
namespace cobble::access {

/// The Ed25519 key in `DIRECTORY/identity/key.pem`.
class IdentityKey {
 public:
  /// Reads the key below the daemon's directory, or makes and stores one. The error is the text after `cannot run daemon: `.
  static std::expected<IdentityKey, std::string> load_or_create(const std::string& directory);
  /// Reads it; none when there is no such file. The same errors.
  static std::expected<std::optional<IdentityKey>, std::string> load(const std::string& directory);

  EVP_PKEY* get() const { return key_.get(); }
  /// Base32 of SHA-384 over the public key: 77 characters.
  const std::string& fingerprint() const { return fingerprint_; }
  /// The common name of its certificates: `pebble-` and the first 8 characters of the fingerprint.
  std::string common_name() const { return "pebble-" + fingerprint_.substr(0, 8); }

 private:
  explicit IdentityKey(tls::KeyPtr key);

  tls::KeyPtr key_;
  std::string fingerprint_;
};

/// A server's certificate with its own key.
struct Leaf {
  tls::KeyPtr key;
  tls::CertificatePtr certificate;
};

/// The certificate that clients pin: signs itself and leaves, for ten years. Null when the library fails.
tls::CertificatePtr make_identity_certificate(const IdentityKey& key);
/// A fresh key with a certificate of one hour, signed by the identity key. Empty when the library fails.
Leaf make_leaf(const IdentityKey& key);

/// Reads `DIRECTORY/tls/identity.pem`; makes it when it is missing, has expired, or belongs to another key. The error is the text
/// after `TLS handshake error from …: `.
std::expected<tls::CertificatePtr, std::string> load_or_create_certificate(const IdentityKey& key, const std::string& directory);

}  // namespace cobble::access
