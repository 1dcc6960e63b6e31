#include "daemon/access/identity_key.h"

#include <array>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "daemon/access/private_file.h"

namespace cobble::access {

namespace {

using net::CertificatePtr;
using net::KeyPtr;

constexpr std::string_view key_label = "PRIVATE KEY";
constexpr std::string_view certificate_label = "CERTIFICATE";
constexpr long identity_seconds = 3660L * 24 * 3600;
constexpr long leaf_seconds = 3600;

using PublicKey = std::array<unsigned char, 32>;

PublicKey public_key(EVP_PKEY* key) {
  PublicKey bytes{};
  std::size_t size = bytes.size();
  ::EVP_PKEY_get_raw_public_key(key, bytes.data(), &size);
  return bytes;
}

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
  const std::unique_ptr<PKCS8_PRIV_KEY_INFO, net::OpensslFree<PKCS8_PRIV_KEY_INFO_free>> info(::EVP_PKEY2PKCS8(key));
  return info ? to_der<i2d_PKCS8_PRIV_KEY_INFO>(info.get()) : std::string();
}

KeyPtr key_from_der(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  KeyPtr key(::d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size())));
  ::ERR_clear_error();
  return key;
}

bool add_extension(X509* certificate, int kind, const char* value) {
  const net::ExtensionPtr extension(::X509V3_EXT_conf_nid(nullptr, nullptr, kind, value));
  return extension && ::X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool add_subject_key_id(X509* certificate, EVP_PKEY* key) {
  const PublicKey bytes = public_key(key);
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int size = 0;
  constexpr int id_size = 20;
  const net::OctetStringPtr id(::ASN1_OCTET_STRING_new());
  return ::EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, ::EVP_sha256(), nullptr) == 1 &&
         ::ASN1_OCTET_STRING_set(id.get(), hash.data(), id_size) == 1 &&
         ::X509_add1_ext_i2d(certificate, NID_subject_key_identifier, id.get(), 0, 0) == 1;
}

bool set_serial(X509* certificate) {
  constexpr int bits = 128;
  const net::BignumPtr number(::BN_new());
  return number && ::BN_rand(number.get(), bits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         ::BN_to_ASN1_INTEGER(number.get(), ::X509_get_serialNumber(certificate)) != nullptr;
}

/// A certificate for `subject` in the identity's name, valid from now on; extensions and signature are still missing.
CertificatePtr begin_certificate(const IdentityKey& issuer, EVP_PKEY* subject, long seconds) {
  CertificatePtr certificate(::X509_new());
  const std::string name = issuer.common_name();
  X509* raw = certificate.get();
  const bool good = raw != nullptr && ::X509_set_version(raw, X509_VERSION_3) == 1 && set_serial(raw) &&
                    ::X509_gmtime_adj(::X509_getm_notBefore(raw), 0) != nullptr &&
                    ::X509_gmtime_adj(::X509_getm_notAfter(raw), seconds) != nullptr &&
                    ::X509_NAME_add_entry_by_txt(::X509_get_subject_name(raw), "CN", MBSTRING_ASC,
                                                 reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0) == 1 &&
                    ::X509_set_issuer_name(raw, ::X509_get_subject_name(raw)) == 1 && ::X509_set_pubkey(raw, subject) == 1;
  return good ? std::move(certificate) : nullptr;
}

/// Ed25519 hashes by itself, so no digest is named.
bool sign(X509* certificate, const IdentityKey& key) {
  return ::X509_sign(certificate, key.get(), nullptr) > 0;
}

CertificatePtr certificate_from_der(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  CertificatePtr certificate(::d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  ::ERR_clear_error();
  return certificate;
}

}  // namespace

std::string key_fingerprint(std::string_view public_key_bytes) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  net::start_openssl();
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int size = 0;
  if (::EVP_Digest(public_key_bytes.data(), public_key_bytes.size(), hash.data(), &size, ::EVP_sha384(), nullptr) != 1) return {};
  std::string text;
  unsigned int group = 0;
  unsigned int bits = 0;
  for (unsigned int i = 0; i < size; ++i) {
    group = group << 8 | hash[i];
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet[group >> (bits - 5) & 31];
  }
  if (bits > 0) text += alphabet[group << (5 - bits) & 31];
  return text;
}

IdentityKey::IdentityKey(KeyPtr key) : key_(std::move(key)) {
  const PublicKey bytes = public_key(key_.get());
  fingerprint_ = key_fingerprint({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::expected<IdentityKey, std::string> IdentityKey::load_or_create(const std::string& directory) {
  const std::string folder = directory + "/identity";
  const std::string path = folder + "/key.pem";
  if (auto made = make_private_directory(folder); !made)
    return std::unexpected("cannot create identity directory: " + made.error());
  const auto wrong = [](const std::string& reason) { return std::unexpected("cannot load identity key: " + reason); };
  if (auto checked = check_permission(folder, 0700); !checked) return wrong(checked.error());
  const auto stored = read_pem_file(path, key_label);
  if (!stored) return wrong(stored.error());
  net::start_openssl();
  if (*stored) {
    KeyPtr key = key_from_der(**stored);
    if (!key || ::EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) return wrong("ed25519 type private key expected");
    return IdentityKey(std::move(key));
  }
  KeyPtr key(::EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  const std::string der = key ? key_to_der(key.get()) : std::string();
  if (der.empty()) return std::unexpected("cannot create identity key: key generation failed");
  if (auto written = write_pem_file(path, key_label, der); !written)
    return std::unexpected("cannot create identity key: " + written.error());
  return IdentityKey(std::move(key));
}

CertificatePtr make_identity_certificate(const IdentityKey& key) {
  CertificatePtr certificate = begin_certificate(key, key.get(), identity_seconds);
  X509* raw = certificate.get();
  const bool good = raw != nullptr && add_extension(raw, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                    add_extension(raw, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                    add_subject_key_id(raw, key.get()) && sign(raw, key);
  return good ? std::move(certificate) : nullptr;
}

Leaf make_leaf(const IdentityKey& key) {
  Leaf leaf;
  leaf.key.reset(::EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (!leaf.key) return {};
  leaf.certificate = begin_certificate(key, leaf.key.get(), leaf_seconds);
  X509* raw = leaf.certificate.get();
  const bool good = raw != nullptr && add_extension(raw, NID_key_usage, "critical,digitalSignature") &&
                    add_extension(raw, NID_ext_key_usage, "serverAuth") &&
                    add_extension(raw, NID_basic_constraints, "critical,CA:FALSE") && sign(raw, key);
  return good ? std::move(leaf) : Leaf{};
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
    if (theirs != nullptr && ::EVP_PKEY_eq(theirs, key.get()) == 1) return certificate;
    ::ERR_clear_error();
  }
  CertificatePtr certificate = make_identity_certificate(key);
  const std::string der = certificate ? to_der<i2d_X509>(certificate.get()) : std::string();
  if (der.empty()) return wrong("signing failed");
  if (auto written = write_pem_file(path, certificate_label, der); !written) return wrong(written.error());
  return certificate;
}

}  // namespace cobble::access
