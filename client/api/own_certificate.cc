#include "client/api/own_certificate.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "client/api/descriptor.h"
#include "tls/certificate.h"

namespace cobble::client {
namespace {

constexpr long ten_years = 3660L * 24 * 3600;

/// What OpenSSL's `write` puts out.
template <class Write>
std::string pem_text(Write write) {
  const std::unique_ptr<BIO, tls::OpensslFree<BIO_free_all>> bio(BIO_new(BIO_s_mem()));
  if (!bio || write(bio.get()) != 1) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

Result<void> write_new(const std::string& path, const std::string& text) {
  const FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return fail("open " + path + ": " + system_error_text(errno));
  if (write_all(file.get(), text)) return {};
  const int error = errno;
  unlink(path.c_str());
  return fail("write " + path + ": " + system_error_text(error));
}

}  // namespace

Result<void> make_own_certificate(const std::string& cert_file, const std::string& key_file) {
  const tls::KeyPtr key = tls::make_key();
  const tls::CertificatePtr certificate =
      key ? tls::make_certificate(key.get(), key.get(),
                                  {.common_name = "pebble-client",
                                   .seconds = ten_years,
                                   .extensions = {{NID_key_usage, "critical,digitalSignature"},
                                                  {NID_ext_key_usage, "clientAuth"},
                                                  {NID_basic_constraints, "critical,CA:FALSE"}}})
          : nullptr;
  if (!certificate) return fail("cannot make a key and its certificate");
  const std::string cert_pem = pem_text([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); });
  const std::string key_pem =
      pem_text([&](BIO* bio) { return PEM_write_bio_PKCS8PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  if (cert_file == key_file) return write_new(cert_file, cert_pem + key_pem);
  if (auto written = write_new(key_file, key_pem); !written) return written;
  auto written = write_new(cert_file, cert_pem);
  if (!written) unlink(key_file.c_str());
  return written;
}

}  // namespace cobble::client
