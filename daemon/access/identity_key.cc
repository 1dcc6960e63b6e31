#include "daemon/access/identity_key.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "daemon/access/private_file.h"
#include "tls/certificate.h"

namespace cobble::access {

namespace {

using tls::CertificatePtr;
using tls::KeyPtr;

constexpr std::string_view key_folder = "/identity";
constexpr std::string_view key_file = "/key.pem";
constexpr std::string_view key_label = "PRIVATE KEY";
constexpr std::string_view certificate_label = "CERTIFICATE";
constexpr long identity_seconds = 3660L * 24 * 3600;
constexpr long leaf_seconds = 3600;

/// Any of OpenSSL's objects in DER.
template <auto Encode, typename T>
std::string to_der(T* object) {
  unsigned char* bytes = nullptr;
  const int size = Encode(object, &bytes);
  if (size <= 0) return {};
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  ::OPENSSL_clear_free(bytes, static_cast<std::size_t>(size));
  return der;
}

std::string key_to_der(EVP_PKEY* key) {
  const std::unique_ptr<PKCS8_PRIV_KEY_INFO, tls::OpensslFree<PKCS8_PRIV_KEY_INFO_free>> info(::EVP_PKEY2PKCS8(key));
  return info ? to_der<i2d_PKCS8_PRIV_KEY_INFO>(info.get()) : std::string();
}

KeyPtr key_from_der(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  KeyPtr key(::d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size())));
  ::ERR_clear_error();
  return key;
}

CertificatePtr certificate_from_der(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  CertificatePtr certificate(::d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  ::ERR_clear_error();
  return certificate;
}

}  // namespace

IdentityKey::IdentityKey(KeyPtr key) : key_(std::move(key)), fingerprint_(tls::key_fingerprint(key_.get())) {}

std::expected<std::optional<IdentityKey>, std::string> IdentityKey::load(const std::string& directory) {
  const std::string folder = directory + std::string(key_folder);
  const auto wrong = [](const std::string& reason) { return std::unexpected("cannot load identity key: " + reason); };
  if (auto checked = check_permission(folder, 0700); !checked) return wrong(checked.error());
  const auto stored = read_pem_file(folder + std::string(key_file), key_label);
  if (!stored) return wrong(stored.error());
  if (!*stored) return std::nullopt;
  tls::start_openssl();
  KeyPtr key = key_from_der(**stored);
  if (!key || ::EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) return wrong("ed25519 type private key expected");
  return IdentityKey(std::move(key));
}

std::expected<IdentityKey, std::string> IdentityKey::load_or_create(const std::string& directory) {
  const std::string folder = directory + std::string(key_folder);
  if (auto made = make_private_directory(folder); !made)
    return std::unexpected("cannot create identity directory: " + made.error());
  auto stored = load(directory);
  if (!stored) return std::unexpected(std::move(stored.error()));
  if (*stored) return std::move(**stored);
  KeyPtr key = tls::make_key();
  const std::string der = key ? key_to_der(key.get()) : std::string();
  if (der.empty()) return std::unexpected("cannot create identity key: key generation failed");
  if (auto written = write_pem_file(folder + std::string(key_file), key_label, der); !written)
    return std::unexpected("cannot create identity key: " + written.error());
  return IdentityKey(std::move(key));
}

CertificatePtr make_identity_certificate(const IdentityKey& key) {
  return tls::make_certificate(
      key.get(), key.get(),
      {.common_name = key.common_name(),
       .seconds = identity_seconds,
       .extensions = {{NID_key_usage, "critical,keyCertSign,cRLSign"}, {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"}},
       .subject_key_id = true});
}

Leaf make_leaf(const IdentityKey& key) {
  Leaf leaf;
  leaf.key = tls::make_key();
  if (!leaf.key) return {};
  leaf.certificate = tls::make_certificate(leaf.key.get(), key.get(),
                                           {.common_name = key.common_name(),
                                            .seconds = leaf_seconds,
                                            .extensions = {{NID_key_usage, "critical,digitalSignature"},
                                                           {NID_ext_key_usage, "serverAuth"},
                                                           {NID_basic_constraints, "critical,CA:FALSE"}}});
  return leaf.certificate ? std::move(leaf) : Leaf{};
}

std::expected<CertificatePtr, std::string> load_or_create_certificate(const IdentityKey& key, const std::string& directory) {
  const std::string folder = directory + "/tls";
  const std::string path = folder + "/identity.pem";
  auto ready = make_private_directory(folder);
  if (ready) ready = check_permission(folder, 0700);
  if (!ready) return std::unexpected("cannot create TLS directory: " + ready.error());
  const auto wrong = [](const std::string& reason) { return std::unexpected("cannot get identity certificate: " + reason); };
  const auto stored = read_pem_file(path, certificate_label);
  if (!stored) return wrong(stored.error());
  if (*stored) {
    CertificatePtr certificate = certificate_from_der(**stored);
    if (!certificate) return wrong("x509: malformed certificate");
    EVP_PKEY* theirs = ::X509_get0_pubkey(certificate.get());
    const bool valid = ::X509_cmp_current_time(::X509_get0_notAfter(certificate.get())) > 0;
    if (valid && theirs != nullptr && ::EVP_PKEY_eq(theirs, key.get()) == 1) return certificate;
    ::ERR_clear_error();
  }
  CertificatePtr certificate = make_identity_certificate(key);
  const std::string der = certificate ? to_der<i2d_X509>(certificate.get()) : std::string();
  if (der.empty()) return wrong("signing failed");
  if (auto written = write_pem_file(path, certificate_label, der); !written) return wrong(written.error());
  return certificate;
}

}  // namespace cobble::access
