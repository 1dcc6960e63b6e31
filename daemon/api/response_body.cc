#include "daemon/api/response_body.h"

#include <sys/sendfile.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <charconv>
#include <vector>

#include "daemon/base/blocking.h"

namespace cobble::api {

namespace {

constexpr std::size_t copy_step = 256 * 1024;

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

Task<bool> ResponseBody::send_file(int fd, std::uint64_t count) {
  // The bytes are read on the pool, since a disk may be slow; small pieces, so that memory stays bounded.
  auto piece = std::make_shared<std::vector<char>>(static_cast<std::size_t>(std::min<std::uint64_t>(count, copy_step)));
  while (count > 0) {
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(count, piece->size()));
    const ssize_t got = co_await base::blocking([piece, fd, wanted] {
      ssize_t n = 0;
      do {
        n = ::read(fd, piece->data(), wanted);
      } while (n < 0 && errno == EINTR);
      return n;
    });
    if (got <= 0) {
      good_ = false;
      co_return false;
    }
    if (!co_await write(std::string_view(piece->data(), static_cast<std::size_t>(got)))) co_return false;
    count -= static_cast<std::uint64_t>(got);
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
