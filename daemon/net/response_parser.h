#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/net/http_client.h"

namespace cobble::net {

/// Reads one response, interim (1xx) ones before it skipped. Pure: bytes go in as they come.
class ResponseParser {
 public:
  /// Limits as in HttpOptions; `body_limit` bounds the packed body.
  ResponseParser(std::size_t head_limit, std::size_t body_limit);
  ~ResponseParser();
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  /// Takes some bytes. The error is the reference's text: `malformed HTTP response "hello"` …
  std::expected<void, std::string> put(std::string_view bytes);
  /// The connection has ended: a body without a length is complete then; otherwise the error is `EOF` or `unexpected EOF`.
  std::expected<void, std::string> end();

  bool started() const { return started_; }       ///< any byte was taken
  bool head_done() const;                         ///< status and headers are there
  bool done() const;                              ///< the body too
  bool body_full() const;                         ///< `body_limit` bytes are there and there are more
  bool keep_alive() const;                        ///< the connection can be used again once `done`
  HttpResponse& response() { return response_; }  ///< as far as it came

 private:
  class Parser;
  void renew();

  std::size_t head_limit_;
  std::size_t body_limit_;
  std::unique_ptr<Parser> parser_;
  HttpResponse response_;
  std::string pending_;     ///< bytes that the parser hasn't used yet
  std::string first_line_;  ///< of the head, for error texts
  bool started_ = false;
};

}  // namespace cobble::net
