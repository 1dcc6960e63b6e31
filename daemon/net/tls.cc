#include "daemon/net/tls.h"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <utility>

#include "daemon/base/error.h"
#include "daemon/net/tls_roots.h"
#include "daemon/net/tls_stream.h"

namespace cobble::net {

namespace {

namespace asio = boost::asio;

/// Names the server that `ssl` is to reach, for its choice of certificate and for our check of it.
void aim_at(SSL* ssl, const std::string& host) {
  X509_VERIFY_PARAM* param = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  base::ErrorCode error;
  asio::ip::make_address(host, error);
  if (error) {
    SSL_set_tlsext_host_name(ssl, host.c_str());
    X509_VERIFY_PARAM_set1_host(param, host.data(), host.size());
  } else {
    X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str());
  }
}

/// What the check of a server's certificate has found. OpenSSL itself forgets a certificate that it refuses.
struct Verification {
  std::string host;
  std::string error;  ///< empty: nothing wrong
};

int on_verify(int good, X509_STORE_CTX* store) {
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* verification = static_cast<Verification*>(SSL_get_app_data(ssl));
  if (good == 0 && verification && verification->error.empty()) {
    X509* certificate = X509_STORE_CTX_get_current_cert(store);
    verification->error = verify_error_text(X509_STORE_CTX_get_error(store), certificate, verification->host);
  }
  return good;
}

std::string failure_text(const TlsFailure& failure, SSL* ssl, const Verification& verification) {
  if (failure.carrier == asio::error::eof) return "EOF";
  if (failure.carrier) return "tls: " + base::errno_text(failure.carrier.value());
  if (!verification.error.empty()) return "tls: failed to verify certificate: " + verification.error;
  if (ERR_GET_REASON(failure.code) == SSL_R_WRONG_VERSION_NUMBER && SSL_version(ssl) != 0)
    return "tls: first record does not look like a TLS handshake";
  const char* reason = ERR_reason_error_string(failure.code);
  return reason ? std::string("remote error: tls: ") + reason : "EOF";
}

}  // namespace

base::Task<std::expected<std::unique_ptr<base::Stream>, std::string>> start_tls(std::unique_ptr<base::Stream> carrier,
                                                                                std::string host, TlsOptions options) {
  auto context = client_context(options);
  if (!context) co_return std::unexpected(context.error());
  tls::SslPtr ssl(SSL_new(context->get()));
  if (!ssl) co_return std::unexpected(std::string("tls: cannot make a connection"));
  SSL_set_connect_state(ssl.get());
  aim_at(ssl.get(), host);
  Verification verification{.host = std::move(host), .error = {}};
  SSL_set_app_data(ssl.get(), &verification);
  SSL_set_verify(ssl.get(), SSL_VERIFY_PEER, on_verify);
  auto stream = std::make_unique<TlsStream>(std::move(carrier), std::move(ssl));
  const auto done = co_await stream->handshake();
  SSL_set_app_data(stream->ssl(), nullptr);
  if (!done) co_return std::unexpected(failure_text(done.error(), stream->ssl(), verification));
  co_return std::unique_ptr<base::Stream>(std::move(stream));
}

}  // namespace cobble::net
