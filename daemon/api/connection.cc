#include "daemon/api/connection.h"

#include <poll.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>

#include "daemon/api/request_body.h"
#include "daemon/api/response_body.h"
#include "daemon/api/router.h"
#include "daemon/api/text.h"
#include "daemon/base/log.h"

namespace cobble::api {

namespace {

/// Enough for nearly every head: thousands of clients may stop in the middle of one.
constexpr std::size_t first_read_step = 2 * 1024;
/// Larger bodies are sent chunked, as the reference does.
constexpr std::size_t largest_counted_body = 2048;
/// Whoever is still sending when the connection ends gets this much time, and may send this much, so that a reset doesn't
/// overtake the answer.
constexpr base::Nanoseconds linger_time = std::chrono::milliseconds(500);
constexpr std::size_t linger_bytes = 16 * 1024 * 1024;
/// A handler that takes longer is watched for its client hanging up.
constexpr base::Nanoseconds watch_delay = std::chrono::milliseconds(50);

/// How long a reply waits for the log lines of its request, and how often it looks.
constexpr base::Nanoseconds longest_log_wait = std::chrono::milliseconds(5);
constexpr base::Nanoseconds log_step = std::chrono::microseconds(100);

/// `Date: …\r\n`, made once a second.
const std::string& date_header() {
  static std::time_t made = 0;
  static std::string header;
  const std::time_t now = ::time(nullptr);
  if (now != made) {
    made = now;
    std::tm tm{};
    ::gmtime_r(&now, &tm);
    std::array<char, 64> text{};
    // The C locale is never changed, so the names are English.
    const std::size_t size = std::strftime(text.data(), text.size(), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
    header.assign(text.data(), size);
  }
  return header;
}

bool wants(std::string_view connection_header, std::string_view option) {
  while (!connection_header.empty()) {
    const std::size_t comma = connection_header.find(',');
    if (equal_ignoring_case(trim(connection_header.substr(0, comma)), option)) return true;
    if (comma == std::string_view::npos) return false;
    connection_header.remove_prefix(comma + 1);
  }
  return false;
}

bool readable_now(const base::Stream& stream) {
  pollfd state{stream.native_handle(), POLLIN, 0};
  return ::poll(&state, 1, 0) > 0;
}

/// Path and query of a target, which may be in absolute form.
std::string_view origin_form(std::string_view target) {
  const std::size_t scheme = target.find("://");
  if (target.starts_with('/') || scheme == std::string_view::npos) return target;
  const std::size_t path = target.find('/', scheme + 3);
  return path == std::string_view::npos ? std::string_view("/") : target.substr(path);
}

}  // namespace

Connection::Connection(Server& server, std::unique_ptr<base::Stream> stream, Peer peer)
    : server_(server),
      stream_(std::move(stream)),
      peer_(std::move(peer)),
      client_gone_(server.loop_),
      watch_timer_(server.loop_) {
  place_ = server_.connections_.insert(server_.connections_.end(), this);
  server_.crowd_ = std::max(server_.crowd_, server_.connections_.size());
}

Connection::~Connection() {
  server_.connections_.erase(place_);
  if (server_.connections_.empty()) server_.drained_.notify_all();
}

void Connection::finish() {
  ending_ = true;
  if (idle_) {
    abort();
  } else if (streaming_to_ != nullptr) {
    // A stream has no end of its own; another answer may still come in the time that is left.
    client_gone_.notify_all();
  }
}

void Connection::abort() {
  ending_ = true;
  client_gone_.notify_all();
  if (stream_) stream_->close();
}

void Connection::check_deadline(base::SteadyTime now) {
  if (now > deadline_) abort();
}

Task<bool> Connection::read_more(std::size_t step) {
  const std::size_t before = buffer_.size();
  buffer_.resize(before + step);
  base::ErrorCode error;
  const std::size_t count = co_await stream_->read_some(std::span(buffer_).subspan(before), error);
  buffer_.resize(before + (error ? 0 : count));
  co_return !error;
}

void Connection::release_buffer() {
  std::string().swap(buffer_);
}

Task<bool> Connection::read_head(std::size_t& head_size) {
  std::size_t searched = 0;
  while (true) {
    // An empty line before a request is forgiven (RFC 9112, section 2.2).
    while (searched == 0 && (buffer_.starts_with("\r\n") || buffer_.starts_with('\n')))
      buffer_.erase(0, buffer_.front() == '\n' ? 1 : 2);
    head_size = find_head_end(buffer_, searched);
    if ((head_size == 0 ? buffer_.size() : head_size) > max_head_size) {
      co_await refuse({431, {}});
      co_return false;
    }
    if (head_size != 0) co_return true;
    // Neither TLS nor a line of text will come to an end that we would understand.
    if (!buffer_.empty() && buffer_.front() == '\x16') {
      co_await refuse({400, {}});
      co_return false;
    }
    searched = buffer_.size();
    if (buffer_.empty()) {
      set_deadline(server_.limits_.idle);
      if (!readable_now(*stream_)) {
        // Who says nothing holds no buffer.
        release_buffer();
        base::ErrorCode error;
        co_await stream_->wait_readable(error);
        if (error) co_return false;
      }
    } else if (idle_) {
      idle_ = false;
      set_deadline(server_.limits_.head);
    }
    if (!co_await read_more(std::clamp(buffer_.size(), first_read_step, read_step))) co_return false;
  }
}

Task<void> Connection::serve() {
  auto self = shared_from_this();
  while (!ending_ && stream_) {
    idle_ = buffer_.empty();
    if (!co_await serve_one()) break;
  }
  if (stream_) stream_->close();
}

Task<void> Connection::refuse(ProtocolError error) {
  std::string text = std::to_string(error.status) + " " + std::string(status_phrase(error.status));
  if (!error.detail.empty()) text += ": " + error.detail;
  if (error.status == 501) text = "Unsupported transfer encoding";
  const std::string head = "HTTP/1.1 " + (error.status == 501 ? std::string("501 Not Implemented") : text) +
                           "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n";
  base::ErrorCode ignored;
  set_deadline(server_.limits_.write);
  co_await stream_->write(head, text, ignored);
  co_await linger();
}

Task<void> Connection::linger() {
  base::ErrorCode error;
  co_await stream_->shutdown_write(error);
  watch_timer_.start(linger_time, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->abort();
  });
  for (std::size_t left = linger_bytes; !error && left > 0;) {
    buffer_.resize(std::min(left, read_step));
    left -= co_await stream_->read_some(buffer_, error);
  }
  watch_timer_.cancel();
}

Task<bool> Connection::serve_one() {
  std::size_t head_size = 0;
  if (!co_await read_head(head_size)) co_return false;
  idle_ = false;
  clear_deadline();
  const base::SteadyTime start = std::chrono::steady_clock::now();
  ++server_.requests_;

  auto regular = regular_head(std::string_view(buffer_).substr(0, head_size));
  buffer_.erase(0, head_size);
  if (buffer_.empty()) release_buffer();
  if (!regular) {
    co_await refuse(regular.error());
    co_return false;
  }
  RequestParser parser;
  if (!parser.parse_head(*regular)) {
    co_await refuse({400, {}});
    co_return false;
  }
  Request request;
  request.method = std::move(parser.method);
  request.target = std::string(origin_form(parser.target));
  const std::size_t question = request.target.find('?');
  auto path = percent_decode(std::string_view(request.target).substr(0, question), false);
  RequestBody body(*this, parser);
  if (!path || !body.prepare()) {
    co_await refuse({400, {}});
    co_return false;
  }
  request.headers = parser.fields;
  request.path = std::move(*path);
  if (question != std::string::npos) request.query = Query(std::string_view(request.target).substr(question + 1));
  request.transport = peer_.transport;
  request.certificate_der = peer_.certificate_der;
  request.client_gone = &client_gone_;

  const std::string_view expect = request.header("Expect");
  if (!expect.empty() && !equal_ignoring_case(expect, "100-continue")) {
    base::ErrorCode ignored;
    co_await stream_->write("HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", ignored);
    co_return false;
  }
  if (!expect.empty() && !body.finished()) body.expect_continue();

  watch_timer_.start(watch_delay, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->watch_for_hang_up();
  });
  const Match match = find_route(server_.routes_, request.method, request.path, request.params);
  if (match.route != nullptr) body.set_limit(match.route->body_limit);
  request.body = &body;
  const std::uint64_t logged = base::log_position();
  Response response = co_await server_.respond(peer_, match, request);
  if (const std::uint64_t position = base::log_position(); position != logged) co_await await_log(position);
  if (!response.stream) stop_watching();

  if (response.upgrade) {
    server_.log_request(peer_, request, 200, start);
    co_await hand_over(response);
    co_return false;
  }
  const std::string_view connection_header = request.header("Connection");
  const bool http_10 = parser.version == 10;
  bool keep_alive = (http_10 ? wants(connection_header, "keep-alive") : !wants(connection_header, "close")) && !ending_ &&
                    !failed_ && body.worth_draining();
  const int status = response.status;
  const bool sent = co_await send(request, response, keep_alive, http_10);
  stop_watching();
  server_.log_request(peer_, request, status, start);
  if (!sent || !keep_alive) {
    if (sent && !body.finished() && !ending_) co_await linger();
    co_return false;
  }
  co_return co_await body.drain();
}

/// What was logged of a request is there for a client that looks for it when it has the reply.
Task<void> Connection::await_log(std::uint64_t position) {
  const base::SteadyTime deadline = std::chrono::steady_clock::now() + longest_log_wait;
  while (!base::log_written(position) && std::chrono::steady_clock::now() < deadline) co_await base::sleep_for(log_step);
}

Task<bool> Connection::send(const Request& request, Response& response, bool& keep_alive, bool http_10) {
  const bool chunked = !http_10 && (response.stream ? !response.content_length : response.body.size() > largest_counted_body);
  if (response.stream && http_10 && !response.content_length) keep_alive = false;
  if (response.envelope) add_latest_warning(response.body);

  head_.assign("HTTP/1.1 ")
      .append(std::to_string(response.status))
      .append(" ")
      .append(status_phrase(response.status))
      .append("\r\n");
  if (http_10) head_[7] = '0';
  if (!response.content_type.empty()) head_.append("Content-Type: ").append(response.content_type).append("\r\n");
  for (const auto& [name, value] : response.headers) head_.append(name).append(": ").append(value).append("\r\n");
  head_ += date_header();
  if (chunked) {
    head_ += "Transfer-Encoding: chunked\r\n";
  } else if (!response.stream || response.content_length) {
    head_.append("Content-Length: ")
        .append(std::to_string(response.stream ? *response.content_length : response.body.size()))
        .append("\r\n");
  }
  if (!keep_alive) head_ += "Connection: close\r\n";
  if (keep_alive && http_10) head_ += "Connection: keep-alive\r\n";
  head_ += "\r\n";

  if (response.stream) co_return co_await send_stream(request, response, chunked);
  if (request.method == "HEAD") response.body.clear();
  if (chunked && !response.body.empty()) {
    append_chunk_head(head_, response.body.size());
    response.body += "\r\n0\r\n\r\n";
  }
  base::ErrorCode error;
  set_deadline(server_.limits_.write);
  co_await stream_->write(head_, response.body, error);
  clear_deadline();
  co_return !error;
}

void Connection::add_latest_warning(std::string& body) const {
  if (!server_.latest_warning_) return;
  const std::string warning = server_.latest_warning_();
  if (warning.empty() || !body.ends_with('}')) return;
  body.pop_back();
  body += ",\"latest-warning\":";
  base::append_json_string(body, warning);
  body += '}';
}

Task<bool> Connection::send_stream(const Request& request, Response& response, bool chunked) {
  ResponseBody writer(*this, chunked, head_);
  streaming_to_ = &request.user;
  bool good = true;
  try {
    co_await response.stream(writer);
  } catch (const std::exception& e) {
    base::log(std::string("Internal error in a streamed response: ") + e.what());
    good = false;
  }
  streaming_to_ = nullptr;
  if (!good) co_return false;
  co_return co_await writer.finish(response.content_length);
}

Task<void> Connection::hand_over(Response& response) {
  head_.assign("HTTP/1.1 101 Switching Protocols\r\n");
  for (const auto& [name, value] : response.headers) head_.append(name).append(": ").append(value).append("\r\n");
  head_ += "\r\n";
  base::ErrorCode error;
  set_deadline(server_.limits_.write);
  co_await stream_->write(head_, error);
  clear_deadline();
  if (error) co_return;
  auto stream = std::move(stream_);
  co_await response.upgrade(std::move(stream), std::move(buffer_));
}

void Connection::watch_for_hang_up() {
  stop_watch_ = base::spawn_cancellable(server_.loop_, "connection watch", watch(shared_from_this()));
}

void Connection::stop_watching() {
  watch_timer_.cancel();
  if (stop_watch_) std::exchange(stop_watch_, nullptr)();
}

Task<void> Connection::watch(std::shared_ptr<Connection> self) {
  while (self->stream_ && self->stream_->native_handle() >= 0) {
    pollfd state{self->stream_->native_handle(), POLLRDHUP, 0};
    if (::poll(&state, 1, 0) > 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) {
      self->client_gone_.notify_all();
      self->gone_ = true;
    }
    base::ErrorCode error;
    if (!self->gone_) co_await self->stream_->wait_readable(error);
    if (error) co_return;
    // What is readable may be the next request, or a hang-up seen by nobody yet: look again, but not at full speed.
    if (!co_await base::sleep_for(std::chrono::milliseconds(self->gone_ ? 1000 : 20))) co_return;
  }
}

}  // namespace cobble::api
