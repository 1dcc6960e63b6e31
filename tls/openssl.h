#pragma once

#include <memory>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string>

/// Owners of OpenSSL's objects, and its start.
namespace cobble::tls {

/// Starts the library without the configuration file of the image that the daemon runs in, which may name providers that don't
/// exist here. Call it before anything else of OpenSSL; cheap when it has been called before.
void start_openssl();

/// Why a certificate was not accepted, in the reference's words where they are known: `x509: certificate signed by unknown
/// authority` … `code`: X509_V_ERR_….
std::string verify_error_text(long code);

template <auto Free>
struct OpensslFree {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

using SslPtr = std::unique_ptr<SSL, OpensslFree<SSL_free>>;
using SslContextPtr = std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, OpensslFree<X509_free>>;
using BignumPtr = std::unique_ptr<BIGNUM, OpensslFree<BN_free>>;
using OctetStringPtr = std::unique_ptr<ASN1_OCTET_STRING, OpensslFree<ASN1_OCTET_STRING_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, OpensslFree<X509_EXTENSION_free>>;

}  // namespace cobble::tls
