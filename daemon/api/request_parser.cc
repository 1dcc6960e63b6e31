#include "daemon/api/request_parser.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>

#include "daemon/api/text.h"

namespace cobble::api {

namespace http = boost::beast::http;

namespace {

std::string_view next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

std::unexpected<ProtocolError> refuse(int status, std::string detail = {}) {
  return std::unexpected(ProtocolError{status, std::move(detail)});
}

/// `METHOD TARGET HTTP/x.y`; returns the line as strict HTTP/1.0 or 1.1.
std::expected<std::string, ProtocolError> regular_request_line(std::string_view line, bool& is_http_10) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return refuse(400);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (version.size() != 8 || !version.starts_with("HTTP/") || version[6] != '.' || version[5] < '0' || version[5] > '9' ||
      version[7] < '0' || version[7] > '9') {
    return refuse(400);
  }
  if (version[5] != '1') return refuse(505, "unsupported protocol version");
  if (target.empty()) return refuse(400);
  for (const char c : target) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '\x7f') return refuse(400);
  }
  is_http_10 = version[7] == '0';
  return std::string(line.substr(0, last)) + (is_http_10 ? " HTTP/1.0" : " HTTP/1.1");
}

struct FieldLine {
  std::string_view name;
  std::string_view value;
};

}  // namespace

std::size_t find_head_end(std::string_view text, std::size_t from) {
  // A line end directly behind a line end, each with or without CR.
  for (std::size_t at = text.find('\n', from > 3 ? from - 3 : 0); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    if (at + 1 < text.size() && text[at + 1] == '\n') return at + 2;
    if (at + 2 < text.size() && text[at + 1] == '\r' && text[at + 2] == '\n') return at + 3;
  }
  return 0;
}

std::expected<std::string, ProtocolError> regular_head(std::string_view head) {
  bool is_http_10 = false;
  auto out = regular_request_line(next_line(head), is_http_10);
  if (!out) return out;
  *out += "\r\n";

  std::vector<FieldLine> fields;
  int hosts = 0;
  bool chunked = false;
  while (true) {
    const std::string_view line = next_line(head);
    if (line.empty()) break;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return refuse(400);
    const std::string_view name = line.substr(0, colon);
    if (name.find_first_of(" \t") != std::string_view::npos) return refuse(400, "invalid header name");
    const std::string_view value = trim(line.substr(colon + 1));
    if (equal_ignoring_case(name, "Host")) ++hosts;
    if (equal_ignoring_case(name, "Transfer-Encoding")) {
      if (chunked || !equal_ignoring_case(value, "chunked")) return refuse(501);
      chunked = true;
    }
    fields.push_back({name, value});
  }
  if (hosts > 1) return refuse(400);
  if (hosts == 0 && !is_http_10) return refuse(400, "missing required Host header");
  for (const FieldLine& field : fields) {
    if (chunked && equal_ignoring_case(field.name, "Content-Length")) continue;  // chunked wins
    out->append(field.name).append(": ").append(field.value).append("\r\n");
  }
  *out += "\r\n";
  return out;
}

RequestParser::RequestParser() {
  header_limit(2 * max_head_size);
  body_limit(boost::none);
  fields.reserve(8);
}

bool RequestParser::parse_head(std::string_view regular) {
  Code error;
  put(boost::asio::buffer(regular.data(), regular.size()), error);
  return is_header_done() && (!error || error == http::error::need_more);
}

std::expected<std::size_t, ProtocolError> RequestParser::parse_body(std::string_view bytes, std::string& decoded) {
  decoded_ = &decoded;
  eager(true);
  Code error;
  const std::size_t used = put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  decoded_ = nullptr;
  if (error && error != http::error::need_more) return refuse(400);
  return used;
}

void RequestParser::on_request_impl(Verb, Text method_text, Text target_text, int version_number, Code&) {
  method.assign(method_text.data(), method_text.size());
  target.assign(target_text.data(), target_text.size());
  version = version_number;
}

void RequestParser::on_field_impl(Field, Text name_text, Text value, Code&) {
  fields.emplace_back(std::string(name_text.data(), name_text.size()), std::string(value.data(), value.size()));
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, Text body, Code&) {
  if (decoded_ != nullptr) decoded_->append(body.data(), body.size());
  return body.size();
}

}  // namespace cobble::api
