#include "daemon/net/tls_stream.h"

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <utility>

namespace cobble::net {

namespace asio = boost::asio;

namespace {

/// Encrypted and sent in one go: bounds what waits in memory when the other side reads slowly.
constexpr std::size_t write_step = 256 * 1024;

}  // namespace

TlsStream::TlsStream(std::unique_ptr<base::Stream> carrier, tls::SslPtr ssl)
    : carrier_(std::move(carrier)), ssl_(std::move(ssl)), in_(BIO_new(BIO_s_mem())), out_(BIO_new(BIO_s_mem())) {
  BIO_set_mem_eof_return(in_, -1);
  SSL_set_bio(ssl_.get(), in_, out_);  // which owns both from here on
}

base::Task<std::expected<void, TlsFailure>> TlsStream::handshake() {
  while (true) {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    const int why = SSL_get_error(ssl_.get(), result);
    const unsigned long code = ERR_peek_error();
    base::ErrorCode error;
    co_await flush(error);
    if (result == 1 && !error) co_return std::expected<void, TlsFailure>();
    if (result != 1 && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
      co_return std::unexpected(TlsFailure{code, error});
    if (!error && result != 1) co_await fill(error);
    if (error) co_return std::unexpected(TlsFailure{0, error});
  }
}

base::Task<std::size_t> TlsStream::read_some(std::span<char> buffer, base::ErrorCode& error) {
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

base::Task<void> TlsStream::wait_readable(base::ErrorCode& error) {
  if (SSL_has_pending(ssl_.get()) || BIO_ctrl_pending(in_) > 0) co_return;
  co_await carrier_->wait_readable(error);
}

base::Task<void> TlsStream::write(std::string_view head, std::string_view body, base::ErrorCode& error) {
  for (std::string_view part : {head, body}) {
    while (!part.empty()) {
      const std::string_view piece = part.substr(0, write_step);
      part.remove_prefix(piece.size());
      ERR_clear_error();
      std::size_t count = 0;  // a memory buffer takes everything
      if (SSL_write_ex(ssl_.get(), piece.data(), piece.size(), &count) != 1) {
        error = asio::error::connection_aborted;
        co_return;
      }
      if (!part.empty()) co_await flush(error);
      if (error) co_return;
    }
  }
  co_await flush(error);
}

base::Task<void> TlsStream::shutdown_write(base::ErrorCode& error) {
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  co_await flush(error);
  if (!error) co_await carrier_->shutdown_write(error);
}

/// Sends what TLS has ready.
base::Task<void> TlsStream::flush(base::ErrorCode& error) {
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
base::Task<void> TlsStream::fill(base::ErrorCode& error) {
  std::array<char, 16 * 1024> buffer;
  const std::size_t count = co_await carrier_->read_some(buffer, error);
  if (!error) BIO_write(in_, buffer.data(), static_cast<int>(count));
}

}  // namespace cobble::net
