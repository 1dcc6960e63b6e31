#include "tls/certificate.h"

#include <algorithm>
#include <array>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

namespace cobble::tls {

namespace {

using PublicKey = std::array<unsigned char, 32>;

PublicKey public_key(const EVP_PKEY* key) {
  PublicKey bytes{};
  std::size_t size = bytes.size();
  ::EVP_PKEY_get_raw_public_key(key, bytes.data(), &size);
  return bytes;
}

bool add_extension(X509* certificate, int kind, const char* value) {
  const ExtensionPtr extension(::X509V3_EXT_conf_nid(nullptr, nullptr, kind, value));
  return extension && ::X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool add_subject_key_id(X509* certificate, const EVP_PKEY* key) {
  const PublicKey bytes = public_key(key);
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int size = 0;
  constexpr int id_size = 20;
  const OctetStringPtr id(::ASN1_OCTET_STRING_new());
  return ::EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, ::EVP_sha256(), nullptr) == 1 &&
         ::ASN1_OCTET_STRING_set(id.get(), hash.data(), id_size) == 1 &&
         ::X509_add1_ext_i2d(certificate, NID_subject_key_identifier, id.get(), 0, 0) == 1;
}

bool set_serial(X509* certificate) {
  constexpr int bits = 128;
  const BignumPtr number(::BN_new());
  return number && ::BN_rand(number.get(), bits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         ::BN_to_ASN1_INTEGER(number.get(), ::X509_get_serialNumber(certificate)) != nullptr;
}

bool set_name(X509* certificate, const std::string& name) {
  X509_NAME* subject = ::X509_get_subject_name(certificate);
  const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
  return ::X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1 &&
         ::X509_set_issuer_name(certificate, subject) == 1;
}

bool set_validity(X509* certificate, long seconds) {
  return ::X509_gmtime_adj(::X509_getm_notBefore(certificate), 0) != nullptr &&
         ::X509_gmtime_adj(::X509_getm_notAfter(certificate), seconds) != nullptr;
}

}  // namespace

KeyPtr make_key() {
  start_openssl();
  return KeyPtr(::EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
}

std::string key_fingerprint(std::string_view public_key_bytes) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  start_openssl();
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

std::string key_fingerprint(const EVP_PKEY* key) {
  if (key == nullptr || ::EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519) return {};
  const PublicKey bytes = public_key(key);
  return key_fingerprint({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

CertificatePtr make_certificate(EVP_PKEY* subject, EVP_PKEY* signer, const CertificateContent& content) {
  CertificatePtr certificate(::X509_new());
  X509* raw = certificate.get();
  const auto add = [&](const auto& extension) { return add_extension(raw, extension.first, extension.second); };
  // Ed25519 hashes by itself, so no digest is named.
  const bool good = raw != nullptr && ::X509_set_version(raw, X509_VERSION_3) == 1 && set_serial(raw) &&
                    set_validity(raw, content.seconds) && set_name(raw, content.common_name) &&
                    ::X509_set_pubkey(raw, subject) == 1 && std::ranges::all_of(content.extensions, add) &&
                    (!content.subject_key_id || add_subject_key_id(raw, subject)) && ::X509_sign(raw, signer, nullptr) > 0;
  return good ? std::move(certificate) : nullptr;
}

}  // namespace cobble::tls
