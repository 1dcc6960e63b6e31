#pragma once

#include <expected>
#include <memory>
#include <openssl/ssl.h>
#include <string>

#include "daemon/net/tls_options.h"

namespace cobble::net {

/// A context for TLS clients with the system's root certificates. Made on first use, made anew when the bundle file has changed.
std::expected<std::shared_ptr<SSL_CTX>, std::string> client_context();
/// The same with what `options` names, made anew each time, so that renewed files count. The error names the file.
std::expected<std::shared_ptr<SSL_CTX>, std::string> client_context(const TlsOptions& options);

/// Why verification failed, in the reference's words (`x509: certificate signed by unknown authority` …). `host`: what the
/// certificate should have been valid for.
std::string verify_error_text(long code, X509* certificate, const std::string& host);

}  // namespace cobble::net
