#include "daemon/base/stream.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace cobble::base {

namespace {

/// Bytes that a stream may write without giving others their turn of the loop.
constexpr std::size_t direct_limit = 256 * 1024;

class PlainStream final : public Stream {
 public:
  explicit PlainStream(Socket socket) : socket_(std::move(socket)) {
    ErrorCode ignored;
    socket_.non_blocking(true, ignored);
  }

  Task<std::size_t> read_some(std::span<char> buffer, ErrorCode& error) override {
    co_return co_await socket_.async_read_some(asio::buffer(buffer.data(), buffer.size()),
                                               asio::redirect_error(asio::use_awaitable, error));
  }

  Task<void> wait_readable(ErrorCode& error) override {
    co_await socket_.async_wait(Socket::wait_read, asio::redirect_error(asio::use_awaitable, error));
  }

  Task<void> write(std::string_view head, std::string_view body, ErrorCode& error) override {
    std::array<asio::const_buffer, 2> buffers{asio::buffer(head.data(), head.size()), asio::buffer(body.data(), body.size())};
    // Mostly the kernel takes all of it at once; that needs no turn of the loop.
    std::size_t taken = socket_.write_some(buffers, error);
    if (error && error != asio::error::would_block) co_return;
    direct_ += taken;
    if (taken == head.size() + body.size() && direct_ < direct_limit) co_return;
    direct_ = 0;
    for (asio::const_buffer& buffer : buffers) {
      const std::size_t gone = std::min(taken, buffer.size());
      buffer += gone;
      taken -= gone;
    }
    co_await asio::async_write(socket_, buffers, asio::redirect_error(asio::use_awaitable, error));
  }

  Task<void> shutdown_write(ErrorCode& error) override {
    socket_.shutdown(Socket::shutdown_send, error);
    co_return;
  }

  void close() override {
    ErrorCode ignored;
    socket_.close(ignored);
  }

  int native_handle() const override { return const_cast<Socket&>(socket_).native_handle(); }
  bool plain() const override { return true; }

 private:
  Socket socket_;
  std::size_t direct_ = 0;  ///< bytes written since the loop last had a turn
};

}  // namespace

std::unique_ptr<Stream> make_plain_stream(Socket socket) {
  return std::make_unique<PlainStream>(std::move(socket));
}

Task<std::unique_ptr<Stream>> connect_unix(std::string path, Nanoseconds limit, ErrorCode& error) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    error = asio::error::invalid_argument;
    co_return nullptr;
  }
  auto executor = co_await asio::this_coro::executor;
  // Shared with the timer, which may still run after this frame is gone.
  auto socket = std::make_shared<Socket>(executor);
  asio::steady_timer timer(executor, limit);
  bool late = false;
  timer.async_wait([socket, &late](ErrorCode cancelled) {
    if (cancelled) return;
    late = true;
    ErrorCode ignored;
    socket->close(ignored);
  });
  const asio::local::stream_protocol::endpoint local(path);
  const asio::generic::stream_protocol::endpoint endpoint(local.data(), local.size());
  co_await socket->async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
  timer.cancel();
  if (late) error = asio::error::timed_out;
  if (error) co_return nullptr;
  co_return make_plain_stream(std::move(*socket));
}

}  // namespace cobble::base
