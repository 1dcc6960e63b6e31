#include "daemon/api/request_body.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <vector>

#include "daemon/api/text.h"

namespace cobble::api {

namespace {

constexpr std::uint64_t drain_limit = 256 * 1024;

std::string_view field(const RequestParser& parser, std::string_view name) {
  for (const auto& [key, value] : parser.fields)
    if (equal_ignoring_case(key, name)) return value;
  return {};
}

}  // namespace

RequestBody::RequestBody(Connection& connection, RequestParser& parser) : connection_(connection), parser_(parser) {}

bool RequestBody::prepare() {
  chunked_ = !field(parser_, "Transfer-Encoding").empty();
  if (chunked_) {
    finished_ = false;
    return true;
  }
  const std::string_view length = field(parser_, "Content-Length");
  if (length.empty()) return true;
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), remaining_);
  if (error != std::errc() || end != length.data() + length.size()) return false;
  finished_ = remaining_ == 0;
  return true;
}

bool RequestBody::worth_draining() const {
  if (finished_) return true;
  return !continue_pending_ && (chunked_ || remaining_ <= drain_limit);
}

base::Error RequestBody::too_large() const {
  return base::Error{413, "request body must be " + std::to_string(limit_) + " bytes or less", {}};
}

std::size_t RequestBody::take_buffered(std::span<char> buffer, std::uint64_t most) {
  std::string& from = connection_.buffer_;
  const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>({buffer.size(), from.size(), most}));
  std::memcpy(buffer.data(), from.data(), count);
  from.erase(0, count);
  return count;
}

Task<Result<std::size_t>> RequestBody::read_some(std::span<char> buffer) {
  if (finished_ || buffer.empty()) co_return std::size_t{0};
  if (!chunked_ && received_ + remaining_ > limit_) co_return std::unexpected(too_large());
  if (continue_pending_) {
    continue_pending_ = false;
    base::ErrorCode error;
    co_await connection_.stream_->write("HTTP/1.1 100 Continue\r\n\r\n", error);
    if (error) co_return base::bad_request("unexpected EOF");
  }
  connection_.set_deadline(connection_.limits().body);
  auto count = chunked_ ? co_await read_chunked(buffer) : co_await read_plain(buffer);
  connection_.clear_deadline();
  if (!count) connection_.failed_ = true;
  if (count) received_ += *count;
  if (received_ > limit_) co_return std::unexpected(too_large());
  co_return count;
}

Task<Result<std::size_t>> RequestBody::read_plain(std::span<char> buffer) {
  std::size_t count = take_buffered(buffer, remaining_);
  if (count == 0) {
    base::ErrorCode error;
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), remaining_));
    count = co_await connection_.stream_->read_some(buffer.first(most), error);
    if (error) co_return base::bad_request("unexpected EOF");
  }
  remaining_ -= count;
  finished_ = remaining_ == 0;
  co_return count;
}

Task<Result<std::size_t>> RequestBody::read_chunked(std::span<char> buffer) {
  while (decoded_used_ == decoded_.size()) {
    if (parser_.is_done()) {
      finished_ = true;
      co_return std::size_t{0};
    }
    decoded_.clear();
    decoded_used_ = 0;
    if (connection_.buffer_.empty() && !co_await connection_.read_more()) co_return base::bad_request("unexpected EOF");
    auto used = parser_.parse_body(connection_.buffer_, decoded_);
    if (!used) co_return base::bad_request("invalid chunked encoding");
    connection_.buffer_.erase(0, *used);
    // A chunk's head or the trailer may be cut off: then more must come before anything can be used.
    if (*used == 0 && !parser_.is_done() && !co_await connection_.read_more()) co_return base::bad_request("unexpected EOF");
  }
  const std::size_t count = std::min(buffer.size(), decoded_.size() - decoded_used_);
  std::memcpy(buffer.data(), decoded_.data() + decoded_used_, count);
  decoded_used_ += count;
  if (decoded_used_ == decoded_.size() && parser_.is_done()) finished_ = true;
  co_return count;
}

Task<Result<std::string>> RequestBody::read_all() {
  std::string body;
  constexpr std::size_t step = 64 * 1024;
  while (!finished_) {
    const std::size_t before = body.size();
    const std::size_t wanted = !chunked_ && remaining_ < step ? static_cast<std::size_t>(remaining_) : step;
    body.resize(before + wanted);
    auto count = co_await read_some(std::span(body).subspan(before));
    if (!count) co_return std::unexpected(count.error());
    body.resize(before + *count);
  }
  co_return body;
}

Task<bool> RequestBody::drain() {
  limit_ = received_ + drain_limit;
  std::vector<char> scratch(16 * 1024);
  while (!finished_) {
    if (!co_await read_some(scratch)) co_return false;
  }
  co_return true;
}

}  // namespace cobble::api
