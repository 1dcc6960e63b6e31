#pragma once

#include <expected>
#include <memory>
#include <string>

#include "daemon/base/stream.h"
#include "tls/openssl.h"

namespace cobble::net {

/// Why a handshake ended.
struct TlsFailure {
  unsigned long code = 0;   ///< the first error in OpenSSL's queue; 0: none
  base::ErrorCode carrier;  ///< what happened to the connection below
};

/// TLS between two memory buffers and the carrier below, as a client or as a server.
class TlsStream final : public base::Stream {
 public:
  /// `ssl`: made from its context, its state set to connect or accept; not used without this object afterwards.
  TlsStream(std::unique_ptr<base::Stream> carrier, tls::SslPtr ssl);

  /// Agrees with the other side. A limit of time is the caller's business (`close` ends it).
  base::Task<std::expected<void, TlsFailure>> handshake();
  SSL* ssl() const { return ssl_.get(); }
  base::Stream& carrier() { return *carrier_; }

  base::Task<std::size_t> read_some(std::span<char> buffer, base::ErrorCode& error) override;
  base::Task<void> wait_readable(base::ErrorCode& error) override;
  base::Task<void> write(std::string_view head, std::string_view body, base::ErrorCode& error) override;
  base::Task<void> shutdown_write(base::ErrorCode& error) override;
  void close() override { carrier_->close(); }
  int native_handle() const override { return carrier_->native_handle(); }
  bool plain() const override { return false; }

 private:
  base::Task<void> flush(base::ErrorCode& error);
  base::Task<void> fill(base::ErrorCode& error);

  std::unique_ptr<base::Stream> carrier_;
  tls::SslPtr ssl_;
  BIO* in_ = nullptr;   ///< owned by ssl_
  BIO* out_ = nullptr;  ///< owned by ssl_
  bool flushing_ = false;
};

}  // namespace cobble::net
