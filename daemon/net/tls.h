#pragma once

#include <expected>
#include <memory>
#include <string>

#include "daemon/base/stream.h"
#include "daemon/net/tls_options.h"

/// TLS as a client: for https checks and log forwarding.
namespace cobble::net {

/// Starts TLS over `carrier` and verifies the server's certificate for `host` (a name or an IP address) with the system's roots:
/// SSL_CERT_FILE and SSL_CERT_DIR, or else the usual bundles. They are read on first use and again when the bundle has changed.
/// `options` may name other roots and a certificate of ours. Only HTTP/1.1 is offered. The error is the reference's text: `tls:
/// failed to verify certificate: x509: certificate signed by unknown authority`, `tls: first record does not look like a TLS
/// handshake`, `EOF` … A limit of time is the caller's business.
base::Task<std::expected<std::unique_ptr<base::Stream>, std::string>> start_tls(std::unique_ptr<base::Stream> carrier,
                                                                                std::string host, TlsOptions options = {});

}  // namespace cobble::net
