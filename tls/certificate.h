#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tls/openssl.h"

/// Keys and certificates as daemon and client make and know them (contract 08, section 2.12).
namespace cobble::tls {

/// A fresh Ed25519 key; null when the library fails.
KeyPtr make_key();

/// Base32 of SHA-384 over the 32 bytes of an Ed25519 public key: 77 characters.
std::string key_fingerprint(std::string_view public_key);
/// The same of a key; empty when it is none of Ed25519.
std::string key_fingerprint(const EVP_PKEY* key);

/// What a certificate shall say.
struct CertificateContent {
  std::string common_name;                              ///< of subject and issuer
  long seconds = 0;                                     ///< how long it is valid from now on
  std::vector<std::pair<int, const char*>> extensions;  ///< OpenSSL's number of each, and its value in OpenSSL's words
  bool subject_key_id = false;                          ///< whether it names its key, by 20 bytes of SHA-256
};

/// A certificate for the key `subject`, signed with `signer`; both of Ed25519. Null when the library fails.
CertificatePtr make_certificate(EVP_PKEY* subject, EVP_PKEY* signer, const CertificateContent& content);

}  // namespace cobble::tls
