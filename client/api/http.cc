#include "client/api/http.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "layers/base64.h"

namespace cobble::client {
namespace {

constexpr std::size_t head_limit = 1 << 20;
constexpr std::size_t line_limit = 4096;

std::unexpected<Trouble> trouble(std::string cause) {
  return std::unexpected(Trouble{std::move(cause)});
}

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

std::string hex(std::size_t number) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, number, 16);
  return {digits, end.ptr};
}

}  // namespace

std::string_view HttpHead::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same_name(key, name)) return value;
  }
  return {};
}

std::expected<HttpHead, std::string> parse_http_head(std::string_view text) {
  HttpHead head;
  const auto malformed = [&](std::string_view what) { return std::unexpected("malformed HTTP " + std::string(what)); };
  auto end = text.find('\n');
  std::string_view line = trim(text.substr(0, end));
  if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ')
    return malformed("response \"" + std::string(line.substr(0, 100)) + "\"");
  const auto read = std::from_chars(line.data() + 9, line.data() + 12, head.status);
  if (read.ec != std::errc() || read.ptr != line.data() + 12 || head.status < 100) return malformed("status code");
  while (end != std::string_view::npos) {
    text.remove_prefix(end + 1);
    end = text.find('\n');
    line = trim(text.substr(0, end));
    if (line.empty()) continue;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return malformed("header");
    head.headers.emplace_back(line.substr(0, colon), trim(line.substr(colon + 1)));
  }
  return head;
}

std::expected<void, Trouble> HttpConnection::send(const HttpRequest& request) {
  std::string head = request.method + " " + base_path_ + request.target + " HTTP/1.1\r\nHost: " + host_ +
                     "\r\nUser-Agent: Go-http-client/1.1\r\n";
  if (request.stream) {
    head += "Transfer-Encoding: chunked\r\n";
  } else if (!request.body.empty() || request.method != "GET") {
    head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  if (!login_.empty()) head += "Authorization: Basic " + layers::encode_base64(login_) + "\r\n";
  for (const auto& [name, value] : request.headers) head += name + ": " + value + "\r\n";
  head += "\r\n";
  if (!request.stream) head += request.body;
  if (auto sent = connection_.send(head); !sent) return sent;
  return request.stream ? send_chunks(request) : std::expected<void, Trouble>();
}

std::expected<void, Trouble> HttpConnection::send_chunks(const HttpRequest& request) {
  bool wanted = true;
  std::string framed;
  const BodySink sink = [&](std::string_view piece) -> std::expected<bool, Trouble> {
    if (piece.empty()) return true;
    framed.assign(hex(piece.size())).append("\r\n").append(piece).append("\r\n");
    auto sent = connection_.send(framed, true);
    if (!sent) return std::unexpected(sent.error());
    wanted = !connection_.readable();
    return wanted;
  };
  if (auto streamed = request.stream(sink); !streamed) return streamed;
  return wanted ? connection_.send("0\r\n\r\n", true) : std::expected<void, Trouble>();
}

std::expected<HttpHead, Trouble> HttpConnection::ask(const HttpRequest& request, int interrupt_fd) {
  at_end_ = false;
  const auto sent = send(request);
  if (!sent && (sent.error().permanent || !connection_.readable())) return std::unexpected(sent.error());
  if (!sent) close_ = true;
  for (;;) {
    auto text = read_head_text(interrupt_fd);
    if (!text) return std::unexpected(text.error());
    auto head = parse_http_head(*text);
    if (!head) return trouble(head.error());
    if (head->status >= 100 && head->status < 200 && head->status != 101) continue;
    frame_body(request, *head);
    return std::move(*head);
  }
}

std::expected<std::string, Trouble> HttpConnection::read_head_text(int interrupt_fd) {
  for (;;) {
    const std::string_view seen = std::string_view(buffer_).substr(position_);
    const auto crlf = seen.find("\r\n\r\n");
    const auto lf = seen.find("\n\n");
    if (crlf != std::string_view::npos || lf != std::string_view::npos) {
      const bool bare = lf < crlf;
      std::string text(seen.substr(0, bare ? lf : crlf));
      position_ += text.size() + (bare ? 2 : 4);
      return text;
    }
    if (seen.size() > head_limit) return trouble("server response headers exceeded limit");
    const auto more = fill(interrupt_fd);
    if (!more) return std::unexpected(more.error());
    if (!*more) return trouble(position_ == buffer_.size() ? "EOF" : "unexpected EOF");
  }
}

void HttpConnection::frame_body(const HttpRequest& request, const HttpHead& head) {
  const std::string_view length = head.header("Content-Length");
  body_ = Body::until_close;
  left_ = 0;
  first_chunk_ = true;
  if (same_name(head.header("Connection"), "close")) close_ = true;
  if (request.method == "HEAD" || head.status == 101 || head.status == 204 || head.status == 304) {
    body_ = Body::none;
  } else if (same_name(head.header("Transfer-Encoding"), "chunked")) {
    body_ = Body::chunked;
  } else if (!length.empty() && std::from_chars(length.data(), length.data() + length.size(), left_).ec == std::errc()) {
    body_ = Body::length;
  }
  at_end_ = body_ == Body::none || (body_ == Body::length && left_ == 0);
}

std::expected<bool, Trouble> HttpConnection::fill(int interrupt_fd) {
  if (position_ > 0) {
    buffer_.erase(0, position_);
    position_ = 0;
  }
  const std::size_t before = buffer_.size();
  buffer_.resize(before + 16384);
  const auto count = connection_.receive(buffer_.data() + before, 16384, interrupt_fd);
  buffer_.resize(before + count.value_or(0));
  if (!count) return std::unexpected(count.error());
  return *count > 0;
}

std::expected<std::string, Trouble> HttpConnection::read_line(int interrupt_fd) {
  for (;;) {
    const auto end = buffer_.find('\n', position_);
    if (end != std::string::npos) {
      std::string line(trim(std::string_view(buffer_).substr(position_, end - position_)));
      position_ = end + 1;
      return line;
    }
    if (buffer_.size() - position_ > line_limit) return trouble("malformed chunked encoding");
    const auto more = fill(interrupt_fd);
    if (!more) return std::unexpected(more.error());
    if (!*more) return trouble("unexpected EOF");
  }
}

std::expected<void, Trouble> HttpConnection::next_chunk(int interrupt_fd) {
  if (!first_chunk_) {
    if (auto blank = read_line(interrupt_fd); !blank) return std::unexpected(blank.error());
  }
  first_chunk_ = false;
  const auto line = read_line(interrupt_fd);
  if (!line) return std::unexpected(line.error());
  const auto read = std::from_chars(line->data(), line->data() + line->size(), left_, 16);
  if (read.ec != std::errc()) return trouble("malformed chunked encoding");
  if (left_ > 0) return {};
  for (;;) {  // trailers
    const auto trailer = read_line(interrupt_fd);
    if (!trailer) return std::unexpected(trailer.error());
    if (trailer->empty()) break;
  }
  at_end_ = true;
  return {};
}

std::expected<std::size_t, Trouble> HttpConnection::read_some(char* buffer, std::size_t size, int interrupt_fd) {
  if (position_ < buffer_.size()) {
    const std::size_t count = std::min(size, buffer_.size() - position_);
    std::memcpy(buffer, buffer_.data() + position_, count);
    position_ += count;
    return count;
  }
  return connection_.receive(buffer, size, interrupt_fd);
}

std::expected<std::size_t, Trouble> HttpConnection::read(char* buffer, std::size_t size, int interrupt_fd) {
  if (!at_end_ && body_ == Body::chunked && left_ == 0) {
    if (auto next = next_chunk(interrupt_fd); !next) return std::unexpected(next.error());
  }
  if (at_end_ || size == 0) return 0;
  if (body_ != Body::until_close) size = static_cast<std::size_t>(std::min<std::uint64_t>(size, left_));
  const auto count = read_some(buffer, size, interrupt_fd);
  if (!count) return count;
  if (*count == 0 && body_ != Body::until_close) return trouble("unexpected EOF");
  if (body_ == Body::until_close) {
    if (*count == 0) at_end_ = close_ = true;
    return count;
  }
  left_ -= *count;
  if (left_ == 0 && body_ == Body::length) at_end_ = true;
  return count;
}

bool HttpConnection::reusable() const {
  return at_end_ && !close_ && position_ == buffer_.size() && !connection_.readable();
}

}  // namespace cobble::client
