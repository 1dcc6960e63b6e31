#include "daemon/api/response_body.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <vector>

#include "daemon/base/blocking.h"
#include "daemon/base/fd.h"

namespace cobble::api {

namespace {

constexpr std::size_t copy_step = 256 * 1024;
/// Bytes of one sendfile, and of one visit to the pool.
constexpr std::uint64_t direct_step = 1024 * 1024;
constexpr std::uint64_t pool_step = 4 * 1024 * 1024;
constexpr base::Nanoseconds longest_visit = std::chrono::milliseconds(20);
/// A client that takes nothing for this long is waited for on the loop.
constexpr int slow_client_ms = 5;

}  // namespace

void append_chunk_head(std::string& out, std::size_t size) {
  std::array<char, 20> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16);
  out.append(digits.data(), end).append("\r\n");
}

ResponseBody::ResponseBody(Connection& connection, bool chunked, std::string head)
    : connection_(connection), chunked_(chunked), head_(std::move(head)) {}

Task<bool> ResponseBody::put(std::string_view head, std::string_view body) {
  if (!good_) co_return false;
  base::ErrorCode error;
  connection_.set_deadline(connection_.limits().write);
  co_await connection_.stream_->write(head, body, error);
  connection_.clear_deadline();
  good_ = !error;
  co_return good_;
}

Task<bool> ResponseBody::write(std::string_view bytes) {
  if (bytes.empty()) co_return good_;
  if (chunked_) append_chunk_head(head_, bytes.size());
  const std::string head = std::exchange(head_, chunked_ ? "\r\n" : "");
  sent_ += bytes.size();
  co_return co_await put(head, bytes);
}

Task<bool> ResponseBody::flush() {
  if (sent_ > 0 || head_.empty()) co_return good_;
  const std::string head = std::exchange(head_, {});
  co_return co_await put(head, {});
}

bool ResponseBody::wanted() const {
  return good_ && !connection_.ending_ && !connection_.gone_;
}

/// A file on its way to a socket. Used on the pool, also when the connection is already gone: so it has descriptors of its own.
struct ResponseBody::FileSource {
  base::UniqueFd file;
  base::UniqueFd socket;  ///< none where bytes must not go there directly (TLS)
  std::vector<char> piece;

  /// Lets the kernel move bytes until the client has been slow for a moment, or others may want the thread; how many it moved.
  std::uint64_t send(std::uint64_t count) const {
    const auto deadline = std::chrono::steady_clock::now() + longest_visit;
    std::uint64_t moved = 0;
    while (moved < count && (moved == 0 || std::chrono::steady_clock::now() < deadline)) {
      const ssize_t n = ::sendfile(socket.get(), file.get(), nullptr, std::min<std::uint64_t>(count - moved, direct_step));
      if (n > 0) {
        moved += static_cast<std::uint64_t>(n);
        continue;
      }
      pollfd writable{socket.get(), POLLOUT, 0};
      const bool full = n < 0 && errno == EAGAIN;
      if (!full || ::poll(&writable, 1, slow_client_ms) != 1 || (writable.revents & (POLLERR | POLLHUP)) != 0) break;
    }
    return moved;
  }

  /// Some bytes into `piece`; 0 at the file's end or after an error.
  std::size_t read(std::uint64_t most) {
    piece.resize(copy_step);
    ssize_t n = 0;
    do {
      n = ::read(file.get(), piece.data(), static_cast<std::size_t>(std::min<std::uint64_t>(most, piece.size())));
    } while (n < 0 && errno == EINTR);
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  }
};

Task<std::size_t> ResponseBody::copy_piece(std::shared_ptr<FileSource> source, std::uint64_t most) {
  const std::size_t size = co_await base::blocking([source, most] { return source->read(most); });
  if (size == 0 || !co_await put({}, std::string_view(source->piece.data(), size))) co_return 0;
  co_return size;
}

Task<bool> ResponseBody::send_file(int fd, std::uint64_t count) {
  if (chunked_) append_chunk_head(head_, count);
  const std::string head = std::exchange(head_, chunked_ ? "\r\n" : "");
  sent_ += count;
  if (!co_await put(head, {})) co_return false;
  const auto source = std::make_shared<FileSource>();
  source->file.reset(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (connection_.stream_->plain()) source->socket.reset(::fcntl(connection_.stream_->native_handle(), F_DUPFD_CLOEXEC, 3));
  // The pool does it, since a disk may be slow. A slow client is waited for on the loop, a piece at a time.
  while (count > 0) {
    std::uint64_t moved = 0;
    if (source->socket) {
      moved = co_await base::blocking([source, most = std::min(count, pool_step)] { return source->send(most); });
    }
    if (moved == 0) moved = co_await copy_piece(source, count);
    if (moved == 0) {
      good_ = false;
      co_return false;
    }
    count -= moved;
  }
  co_return good_;
}

Task<bool> ResponseBody::finish(std::optional<std::uint64_t> announced) {
  if (chunked_) {
    head_ += "0\r\n\r\n";
  } else if (announced && sent_ != *announced) {
    good_ = false;
  }
  if (!head_.empty() && !co_await put(head_, {})) co_return false;
  co_return good_;
}

}  // namespace cobble::api
