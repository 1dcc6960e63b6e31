#pragma once

#include <sys/types.h>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "daemon/base/loop.h"

namespace cobble::base {

using Socket = boost::asio::generic::stream_protocol::socket;
using ErrorCode = boost::system::error_code;

/// One connection, whatever carries it (unix, tcp, TLS), so that everything above is written and compiled once. One reader and
/// one writer at a time. Errors come as codes, never as exceptions.
class Stream {
 public:
  virtual ~Stream() = default;

  /// Reads at least one byte; 0 bytes without an error never happens (end of stream is `asio::error::eof`).
  virtual Task<std::size_t> read_some(std::span<char> buffer, ErrorCode& error) = 0;
  /// Waits until there is something to read (bytes or the end) without reading it.
  virtual Task<void> wait_readable(ErrorCode& error) = 0;
  /// Writes all of `head` and then all of `body` in as few system calls as it takes.
  virtual Task<void> write(std::string_view head, std::string_view body, ErrorCode& error) = 0;
  Task<void> write(std::string_view bytes, ErrorCode& error) { return write(bytes, {}, error); }
  /// Ends the sending side (TLS: close_notify); reading goes on.
  virtual Task<void> shutdown_write(ErrorCode& error) = 0;
  /// Ends pending reads and writes with an error and closes. Idempotent, any time.
  virtual void close() = 0;
  /// The descriptor below, for peer credentials and splice; TLS: of the carrying socket. -1 when closed.
  virtual int native_handle() const = 0;
  /// Whether bytes may be written to `native_handle` directly (sendfile): true but for TLS.
  virtual bool plain() const = 0;
};

/// Takes a connected socket (unix or tcp).
std::unique_ptr<Stream> make_plain_stream(Socket socket);

/// Connects to a unix socket path, within `limit`.
Task<std::unique_ptr<Stream>> connect_unix(std::string path, Nanoseconds limit, ErrorCode& error);

}  // namespace cobble::base
