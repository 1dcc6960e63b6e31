#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Reading HTTP/1 requests as clients of the reference may write them (contract 03, section 2.3): the head is made regular (line
/// ends, version, superfluous Content-Length) by a pure function and then read by Beast's parser, which also decodes chunked
/// bodies.
namespace cobble::api {

/// An error below the API: answered in plain text, and the connection is closed.
struct ProtocolError {
  int status = 400;
  std::string detail;  ///< behind the reason phrase: `400 Bad Request: DETAIL`; empty: nothing
};

/// Largest head in bytes, as the reference has it.
inline constexpr std::size_t max_head_size = 1024 * 1024 + 4096;

/// Length of the head at the start of `text`, its empty line included; 0 when it isn't complete. `from` is where the search goes
/// on.
std::size_t find_head_end(std::string_view text, std::size_t from = 0);

/// Checks a complete head and returns it as strict HTTP/1.x; `version_minor` is as the client said.
std::expected<std::string, ProtocolError> regular_head(std::string_view head);

/// One request. First the regular head, then, for chunked bodies, the bytes that follow it.
class RequestParser final : public boost::beast::http::basic_parser<true> {
 public:
  RequestParser();
  ~RequestParser() override = default;

  /// Reads the head; an error text never reaches the client, which gets a bare 400.
  bool parse_head(std::string_view regular);
  /// Reads some bytes of a chunked body: returns how many were used; decoded bytes are appended to `decoded`.
  std::expected<std::size_t, ProtocolError> parse_body(std::string_view bytes, std::string& decoded);

  std::string method;
  std::string target;
  int version = 11;
  std::vector<std::pair<std::string, std::string>> fields;

 private:
  using Verb = boost::beast::http::verb;
  using Field = boost::beast::http::field;
  using Code = boost::beast::error_code;
  using Text = boost::beast::string_view;

  void on_request_impl(Verb verb, Text method_text, Text target_text, int version_number, Code& error) override;
  void on_response_impl(int, Text, int, Code&) override {}
  void on_field_impl(Field name, Text name_text, Text value, Code& error) override;
  void on_header_impl(Code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Code&) override {}
  std::size_t on_body_impl(Text body, Code&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, Text, Code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t remaining, Text body, Code& error) override;
  void on_finish_impl(Code&) override {}

  std::string* decoded_ = nullptr;
};

}  // namespace cobble::api
