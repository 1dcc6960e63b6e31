#include "daemon/access/certificate.h"

#include <ctime>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "daemon/access/pem.h"
#include "tls/openssl.h"

namespace cobble::access {

namespace {

/// Null when `der` isn't exactly one certificate.
tls::CertificatePtr parse_certificate(std::string_view der) {
  tls::start_openssl();
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const unsigned char* end = at + der.size();
  tls::CertificatePtr certificate(::d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  // The library's queue of errors belongs to nobody else on this thread.
  ::ERR_clear_error();
  return certificate && at == end && ::X509_get0_pubkey(certificate.get()) != nullptr ? std::move(certificate) : nullptr;
}

std::string time_text(const ASN1_TIME* time) {
  std::tm tm{};
  if (::ASN1_TIME_to_tm(time, &tm) != 1) return "an unreadable time";
  return base::format_utc(base::WallTime(std::chrono::seconds(::timegm(&tm))));
}

bool has_unknown_critical_extension(X509* certificate) {
  for (int i = 0; i < ::X509_get_ext_count(certificate); ++i) {
    X509_EXTENSION* extension = ::X509_get_ext(certificate, i);
    if (::X509_EXTENSION_get_critical(extension) == 1 && ::X509_supported_extension(extension) == 0) return true;
  }
  return false;
}

}  // namespace

std::expected<std::string, std::string> certificate_from_pem(std::string_view text) {
  auto block = find_pem_block(text);
  if (!block) return std::unexpected("cert identity must include a PEM-encoded certificate");
  if (!block->rest.empty()) return std::unexpected("cert identity cannot have extra data after the PEM block");
  if (!parse_certificate(block->content))
    return std::unexpected("cannot parse certificate from cert identity: x509: malformed certificate");
  return std::move(block->content);
}

std::expected<void, std::string> usable_as_client(std::string_view der, base::WallTime now) {
  const tls::CertificatePtr certificate = parse_certificate(der);
  if (!certificate) return std::unexpected("x509: malformed certificate");
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  std::time_t at = seconds.time_since_epoch().count();
  const std::string late = "x509: certificate has expired or is not yet valid: current time " + base::format_utc(seconds);
  const ASN1_TIME* begin = ::X509_get0_notBefore(certificate.get());
  const ASN1_TIME* end = ::X509_get0_notAfter(certificate.get());
  if (::X509_cmp_time(begin, &at) > 0) return std::unexpected(late + " is before " + time_text(begin));
  if (::X509_cmp_time(end, &at) < 0) return std::unexpected(late + " is after " + time_text(end));
  if (has_unknown_critical_extension(certificate.get())) return std::unexpected("x509: unhandled critical extension");
  // Every bit is set when the extension is absent.
  const std::uint32_t usage = ::X509_get_extended_key_usage(certificate.get());
  if ((usage & (XKU_SSL_CLIENT | XKU_ANYEKU)) == 0)
    return std::unexpected("x509: certificate specifies an incompatible key usage");
  return {};
}

}  // namespace cobble::access
