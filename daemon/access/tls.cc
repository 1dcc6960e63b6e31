#include "daemon/access/tls.h"

#include <boost/asio/error.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string_view>

#include "daemon/base/error.h"
#include "daemon/net/tls_stream.h"

namespace cobble::access {

namespace {

constexpr std::string_view http_11 = "http/1.1";
constexpr std::string_view plain_http_answer =
    "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
/// A leaf is replaced when less than this is left of its hour.
constexpr long renewal_seconds = 60;
constexpr long session_seconds = 24L * 3600;

/// Certificates that the client showed, its own included.
int shown_certificates(const SSL* ssl) {
  const STACK_OF(X509)* chain = ::SSL_get_peer_cert_chain(ssl);
  return (chain == nullptr ? 0 : ::sk_X509_num(chain)) + (::SSL_get0_peer_certificate(ssl) == nullptr ? 0 : 1);
}

std::string certificate_of(const SSL* ssl) {
  X509* certificate = ::SSL_get0_peer_certificate(ssl);
  unsigned char* bytes = nullptr;
  const int size = certificate == nullptr ? 0 : ::i2d_X509(certificate, &bytes);
  if (size <= 0) return {};
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  ::OPENSSL_free(bytes);
  return der;
}

}  // namespace

/// What OpenSSL asks during a handshake.
struct TlsServer::Callbacks {
  /// Any one certificate will do: what it is good for is found out later, by comparing it with the identities.
  static int verify(X509_STORE_CTX* store, void*) {
    const STACK_OF(X509)* shown = ::X509_STORE_CTX_get0_untrusted(store);
    const bool one = shown == nullptr || ::sk_X509_num(shown) <= 1;
    ::X509_STORE_CTX_set_error(store, one ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
    return one ? 1 : 0;
  }

  static int select_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                             unsigned int offered_size, void*) {
    const std::string_view list(reinterpret_cast<const char*>(offered), offered_size);
    for (std::size_t at = 0; at < list.size();) {
      const auto length = static_cast<unsigned char>(list[at]);
      if (list.substr(at + 1, length) == http_11) {
        *chosen = offered + at + 1;
        *size = length;
        return SSL_TLSEXT_ERR_OK;
      }
      at += 1U + length;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }

  static tls::SslContextPtr make_context() {
    tls::start_openssl();
    tls::SslContextPtr context(::SSL_CTX_new(::TLS_server_method()));
    SSL_CTX* raw = context.get();
    if (raw == nullptr) return nullptr;
    static constexpr unsigned char session_context[] = "cobble";
    ::SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION);
    ::SSL_CTX_set_options(raw, SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    ::SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
    ::SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    ::SSL_CTX_set_cert_verify_callback(raw, verify, nullptr);
    ::SSL_CTX_set_alpn_select_cb(raw, select_protocol, nullptr);
    ::SSL_CTX_set_timeout(raw, session_seconds);
    const bool good =
        ::SSL_CTX_set_session_id_context(raw, session_context, sizeof session_context - 1) == 1 &&
        ::SSL_CTX_set_ciphersuites(raw, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") == 1 &&
        ::SSL_CTX_set1_groups_list(raw, "X25519:P-256:P-384:P-521") == 1 &&
        ::SSL_CTX_set1_client_sigalgs_list(
            raw,
            "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:ECDSA+SHA256:ECDSA+SHA384:"
            "ECDSA+SHA512:ed25519") == 1;
    return good ? std::move(context) : nullptr;
  }

  /// Why a handshake failed, in the reference's words where they are known.
  static std::string text(const net::TlsFailure& failure, const SSL* ssl) {
    if (failure.carrier == boost::asio::error::eof) return "EOF";
    if (failure.carrier) return base::errno_text(failure.carrier.value());
    switch (ERR_GET_REASON(failure.code)) {
      case SSL_R_HTTP_REQUEST:
        return "client sent an HTTP request to an HTTPS server";
      case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return "expected one client certificate, received 0";
      case SSL_R_CERTIFICATE_VERIFY_FAILED:
        return "expected one client certificate, received " + std::to_string(shown_certificates(ssl));
      case SSL_R_UNSUPPORTED_PROTOCOL:
        return "tls: client offered only unsupported versions";
      case SSL_R_NO_APPLICATION_PROTOCOL:
        return "tls: client requested unsupported application protocols";
      default:
        break;
    }
    const char* reason = ::ERR_reason_error_string(failure.code);
    return std::string("tls: ") + (reason == nullptr ? "handshake failed" : reason);
  }
};

TlsServer::TlsServer(base::IoContext& loop, IdentityKey key, std::string directory)
    : loop_(loop), key_(std::move(key)), directory_(std::move(directory)) {}

TlsServer::~TlsServer() = default;

bool TlsServer::leaf_usable() const {
  if (!leaf_.certificate) return false;
  std::time_t now = std::time(nullptr);
  std::time_t later = now + renewal_seconds;
  return ::X509_cmp_time(::X509_get0_notBefore(leaf_.certificate.get()), &now) <= 0 &&
         ::X509_cmp_time(::X509_get0_notAfter(leaf_.certificate.get()), &later) > 0;
}

std::expected<void, std::string> TlsServer::prepare() {
  if (!context_) context_ = Callbacks::make_context();
  if (!context_) return std::unexpected("tls: cannot make a context");
  if (leaf_usable() && identity_) return {};
  auto identity = load_or_create_certificate(key_, directory_);
  if (!identity) return std::unexpected(std::move(identity.error()));
  identity_ = std::move(*identity);
  leaf_ = make_leaf(key_);
  if (!leaf_.certificate) return std::unexpected("tls: cannot make a certificate");
  return {};
}

base::Task<std::expected<TlsServer::Accepted, std::string>> TlsServer::accept(base::Socket socket, base::Nanoseconds limit) {
  const auto ready = prepare();
  tls::SslPtr ssl(context_ ? ::SSL_new(context_.get()) : nullptr);
  if (!ssl) co_return std::unexpected(std::string("tls: cannot make a connection"));
  ::SSL_set_accept_state(ssl.get());
  if (ready) {
    ::SSL_use_cert_and_key(ssl.get(), leaf_.certificate.get(), leaf_.key.get(), nullptr, 1);
    ::SSL_add1_chain_cert(ssl.get(), identity_.get());
  } else {
    // The client is told of an internal error.
    ::SSL_set_cert_cb(ssl.get(), [](SSL*, void*) { return 0; }, nullptr);
  }
  auto stream = std::make_unique<net::TlsStream>(base::make_plain_stream(std::move(socket)), std::move(ssl));
  base::Timer timer(loop_);
  bool late = false;
  timer.start(limit, [&late, raw = stream.get()] {
    late = true;
    raw->close();
  });
  const auto done = co_await stream->handshake();
  timer.cancel();
  if (done) {
    std::string certificate = certificate_of(stream->ssl());
    co_return Accepted{std::move(stream), std::move(certificate)};
  }
  std::string reason = !ready ? ready.error() : late ? "i/o timeout" : Callbacks::text(done.error(), stream->ssl());
  ::ERR_clear_error();
  if (ERR_GET_REASON(done.error().code) == SSL_R_HTTP_REQUEST) {
    base::ErrorCode ignored;
    co_await stream->carrier().write(plain_http_answer, ignored);
    co_await stream->carrier().shutdown_write(ignored);
  }
  stream->close();
  co_return std::unexpected(std::move(reason));
}

}  // namespace cobble::access
