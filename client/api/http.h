#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/api/connection.h"

namespace cobble::client {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// Takes pieces of a request's body while it is streamed; false when the server does not want more.
using BodySink = std::function<std::expected<bool, Trouble>(std::string_view piece)>;

/// One HTTP request.
struct HttpRequest {
  std::string method = "GET";
  std::string target;  ///< path and query
  Headers headers;     ///< besides Host, User-Agent, Content-Length and the like
  std::string body;
  /// If set, the body is what this hands to the sink, sent in chunks as it comes.
  std::function<std::expected<void, Trouble>(const BodySink&)> stream;
};

/// The head of a response.
struct HttpHead {
  int status = 0;
  Headers headers;

  /// The first header of that name in any case, or an empty text.
  std::string_view header(std::string_view name) const;
};

/// Reads the head of a response: status line and header lines without the empty line at the end. Fails with what is wrong.
std::expected<HttpHead, std::string> parse_http_head(std::string_view text);

/// One connection that carries requests one after another (HTTP/1.1). After a response has been read to its end it can be
/// used again.
class HttpConnection {
 public:
  HttpConnection(Connection connection, const Endpoint& endpoint)
      : connection_(std::move(connection)),
        host_(endpoint.tcp ? endpoint.host : "localhost"),
        base_path_(endpoint.base_path),
        login_(endpoint.tcp ? endpoint.credentials.login : std::string()) {}

  /// Sends the request and reads the response's head. Interrupted when `interrupt_fd` becomes readable.
  std::expected<HttpHead, Trouble> ask(const HttpRequest& request, int interrupt_fd = -1);
  /// Reads a piece of the body; 0 at its end. A body cut off fails with `unexpected EOF`.
  std::expected<std::size_t, Trouble> read(char* buffer, std::size_t size, int interrupt_fd = -1);
  /// Whether the response has been read to its end and the server keeps the connection.
  bool reusable() const;
  /// Gives the connection away after `101 Switching Protocols`, with the bytes that came after the head.
  std::pair<Connection, std::string> take_over() && { return {std::move(connection_), buffer_.substr(position_)}; }

 private:
  enum class Body { none, length, chunked, until_close };

  std::expected<void, Trouble> send(const HttpRequest& request);
  std::expected<void, Trouble> send_chunks(const HttpRequest& request);
  /// Reads more into the buffer; false at the end of the connection.
  std::expected<bool, Trouble> fill(int interrupt_fd);
  std::expected<std::string, Trouble> read_head_text(int interrupt_fd);
  std::expected<std::string, Trouble> read_line(int interrupt_fd);
  std::expected<void, Trouble> next_chunk(int interrupt_fd);
  std::expected<std::size_t, Trouble> read_some(char* buffer, std::size_t size, int interrupt_fd);
  void frame_body(const HttpRequest& request, const HttpHead& head);

  Connection connection_;
  std::string host_;
  std::string base_path_;
  std::string login_;
  std::string buffer_;
  std::size_t position_ = 0;
  Body body_ = Body::none;
  std::uint64_t left_ = 0;  ///< of the body, or of the current chunk
  bool first_chunk_ = true;
  bool at_end_ = true;
  bool close_ = false;
};

}  // namespace cobble::client
