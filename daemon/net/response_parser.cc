#include "daemon/net/response_parser.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <memory>

#include "daemon/base/text.h"
#include "layers/quote.h"

namespace cobble::net {

namespace http = boost::beast::http;

class ResponseParser::Parser final : public http::basic_parser<false> {
 public:
  Parser(HttpResponse& response, std::size_t head, std::size_t body) : body_limit_(body), response_(response) {
    header_limit(static_cast<std::uint32_t>(head));
    body_limit(boost::none);
    eager(true);
  }
  bool body_full() const { return full_; }

 private:
  using Code = boost::beast::error_code;
  using Text = boost::beast::string_view;

  void on_request_impl(http::verb, Text, Text, int, Code&) override {}
  void on_response_impl(int status, Text reason, int, Code&) override {
    response_.status = status;
    response_.reason = std::string(reason);
  }
  void on_field_impl(http::field, Text name, Text value, Code&) override {
    response_.headers.emplace_back(std::string(name), std::string(value));
  }
  void on_header_impl(Code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Code&) override {}
  std::size_t on_body_impl(Text body, Code&) override {
    const std::size_t room = body_limit_ - response_.body.size();
    response_.body.append(body.substr(0, room));
    if (body.size() > room) full_ = true;
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, Text, Code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, Code& error) override { return on_body_impl(body, error); }
  void on_finish_impl(Code&) override {}

  std::size_t body_limit_;
  HttpResponse& response_;
  bool full_ = false;
};

namespace {

std::string malformed_response(std::string_view first_line) {
  return "net/http: HTTP/1.x transport connection broken: malformed HTTP response " +
         layers::quote(first_line.substr(0, first_line.find_first_of("\r\n")));
}

}  // namespace

ResponseParser::ResponseParser(std::size_t head_limit, std::size_t body_limit)
    : head_limit_(head_limit), body_limit_(body_limit) {
  renew();
}

ResponseParser::~ResponseParser() = default;

void ResponseParser::renew() {
  response_ = {};
  first_line_.clear();
  parser_ = std::make_unique<Parser>(response_, head_limit_, body_limit_);
}

std::expected<void, std::string> ResponseParser::put(std::string_view bytes) {
  static constexpr std::size_t line_kept = 200;
  started_ = started_ || !bytes.empty();
  if (first_line_.size() < line_kept && first_line_.find('\n') == std::string::npos)
    first_line_.append(bytes.substr(0, line_kept - first_line_.size()));
  // Beast waits for a whole head; a server that speaks another protocol may never send one.
  if (first_line_.find('\n') != std::string::npos && !first_line_.starts_with("HTTP/"))
    return std::unexpected(malformed_response(first_line_));
  pending_.append(bytes);
  while (!pending_.empty() && !parser_->is_done()) {
    boost::beast::error_code error;
    const std::size_t used = parser_->put(boost::asio::buffer(pending_), error);
    pending_.erase(0, used);
    if (error == http::error::need_more) return {};
    if (error == http::error::header_limit)
      return std::unexpected("net/http: server response headers exceeded " + std::to_string(head_limit_) + " bytes; aborted");
    if (error && head_done()) return std::unexpected("malformed chunked encoding");
    if (error) {
      const bool good_line = response_.status != 0;
      return std::unexpected(good_line ? "net/http: HTTP/1.x transport connection broken: malformed MIME header"
                                       : malformed_response(first_line_));
    }
    // Interim responses only announce the real one; 101 would be the last.
    const int status = response_.status;
    if (parser_->is_done() && status >= 100 && status < 200 && status != 101) {
      renew();
      first_line_ = pending_.substr(0, line_kept);
    }
  }
  return {};
}

std::expected<void, std::string> ResponseParser::end() {
  if (done()) return {};
  if (!started_) return std::unexpected("EOF");
  boost::beast::error_code error;
  if (head_done()) parser_->put_eof(error);
  if (!head_done() || error) return std::unexpected("unexpected EOF");
  return {};
}

bool ResponseParser::head_done() const {
  return parser_->is_header_done();
}

bool ResponseParser::done() const {
  return parser_->is_done();
}

bool ResponseParser::body_full() const {
  return parser_->body_full();
}

bool ResponseParser::keep_alive() const {
  return parser_->is_done() && parser_->keep_alive() && pending_.empty() && response_.status != 101;
}

std::string_view HttpResponse::header(std::string_view name) const {
  for (const auto& [its_name, value] : headers)
    if (base::equal_ignoring_case(its_name, name)) return value;
  return {};
}

}  // namespace cobble::net
