#include "daemon/net/tls.h"

#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <utility>

#include "daemon/base/error.h"
#include "daemon/net/tls_roots.h"

namespace cobble::net {

namespace {

namespace asio = boost::asio;

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

/// TLS between two memory buffers and the carrier below.
class TlsStream final : public base::Stream {
 public:
  TlsStream(std::unique_ptr<base::Stream> carrier, std::shared_ptr<SSL_CTX> context)
      : carrier_(std::move(carrier)), context_(std::move(context)), ssl_(SSL_new(context_.get())) {
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in_, -1);
    SSL_set_bio(ssl_.get(), in_, out_);  // which owns both from here on
  }

  base::Task<std::expected<void, std::string>> handshake(const std::string& host) {
    aim_at(host);
    while (true) {
      ERR_clear_error();
      const int result = SSL_connect(ssl_.get());
      const int why = SSL_get_error(ssl_.get(), result);
      const unsigned long code = ERR_peek_error();
      base::ErrorCode error;
      co_await flush(error);
      if (result == 1 && !error) co_return std::expected<void, std::string>();
      if (result != 1 && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
        co_return std::unexpected(handshake_error(code, host));
      if (!error && result != 1) co_await fill(error);
      if (error == asio::error::eof) co_return std::unexpected(std::string("EOF"));
      if (error) co_return std::unexpected("tls: " + base::errno_text(error.value()));
    }
  }

  base::Task<std::size_t> read_some(std::span<char> buffer, base::ErrorCode& error) override {
    while (true) {
      ERR_clear_error();
      std::size_t count = 0;
      const int result = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &count);
      if (result == 1) co_return count;
      const int why = SSL_get_error(ssl_.get(), result);
      if (why == SSL_ERROR_ZERO_RETURN) {
        error = asio::error::eof;
      } else if (why == SSL_ERROR_WANT_READ) {
        co_await flush(error);
        if (!error) co_await fill(error);
      } else {
        error = asio::error::connection_aborted;
      }
      if (error) co_return 0;
    }
  }

  base::Task<void> wait_readable(base::ErrorCode& error) override {
    if (SSL_has_pending(ssl_.get())) co_return;
    co_await carrier_->wait_readable(error);
  }

  base::Task<void> write(std::string_view head, std::string_view body, base::ErrorCode& error) override {
    for (std::string_view part : {head, body}) {
      if (part.empty()) continue;
      ERR_clear_error();
      std::size_t count = 0;  // a memory buffer takes everything
      if (SSL_write_ex(ssl_.get(), part.data(), part.size(), &count) != 1) {
        error = asio::error::connection_aborted;
        co_return;
      }
    }
    co_await flush(error);
  }

  base::Task<void> shutdown_write(base::ErrorCode& error) override {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    co_await flush(error);
    if (!error) co_await carrier_->shutdown_write(error);
  }

  void close() override { carrier_->close(); }
  int native_handle() const override { return carrier_->native_handle(); }
  bool plain() const override { return false; }

 private:
  void aim_at(const std::string& host) {
    X509_VERIFY_PARAM* param = SSL_get0_param(ssl_.get());
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    base::ErrorCode error;
    asio::ip::make_address(host, error);
    if (error) {
      SSL_set_tlsext_host_name(ssl_.get(), host.c_str());
      X509_VERIFY_PARAM_set1_host(param, host.data(), host.size());
    } else {
      X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str());
    }
  }

  std::string handshake_error(unsigned long code, const std::string& host) {
    const long verified = SSL_get_verify_result(ssl_.get());
    if (verified != X509_V_OK) {
      const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(ssl_.get()), X509_free);
      return "tls: failed to verify certificate: " + verify_error_text(verified, certificate.get(), host);
    }
    if (ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER && SSL_version(ssl_.get()) != 0 &&
        !SSL_get0_peer_certificate(ssl_.get()))
      return "tls: first record does not look like a TLS handshake";
    const char* reason = ERR_reason_error_string(code);
    return reason ? std::string("remote error: tls: ") + reason : "EOF";
  }

  /// Sends what TLS has ready.
  base::Task<void> flush(base::ErrorCode& error) {
    while (BIO_ctrl_pending(out_) > 0 && !flushing_) {
      std::string bytes(BIO_ctrl_pending(out_), '\0');
      const int count = BIO_read(out_, bytes.data(), static_cast<int>(bytes.size()));
      if (count <= 0) co_return;
      bytes.resize(static_cast<std::size_t>(count));
      flushing_ = true;
      co_await carrier_->write(bytes, {}, error);
      flushing_ = false;
      if (error) co_return;
    }
  }

  /// Gives TLS what the carrier has.
  base::Task<void> fill(base::ErrorCode& error) {
    std::array<char, 16 * 1024> buffer;
    const std::size_t count = co_await carrier_->read_some(buffer, error);
    if (!error) BIO_write(in_, buffer.data(), static_cast<int>(count));
  }

  std::unique_ptr<base::Stream> carrier_;
  std::shared_ptr<SSL_CTX> context_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  BIO* in_ = nullptr;   ///< owned by ssl_
  BIO* out_ = nullptr;  ///< owned by ssl_
  bool flushing_ = false;
};

}  // namespace

base::Task<std::expected<std::unique_ptr<base::Stream>, std::string>> start_tls(std::unique_ptr<base::Stream> carrier,
                                                                                std::string host) {
  auto context = client_context();
  if (!context) co_return std::unexpected(context.error());
  auto stream = std::make_unique<TlsStream>(std::move(carrier), std::move(*context));
  if (auto done = co_await stream->handshake(host); !done) co_return std::unexpected(done.error());
  co_return std::unique_ptr<base::Stream>(std::move(stream));
}

}  // namespace cobble::net
