#include "daemon/api/http.h"

#include <nlohmann/json.hpp>

#include "daemon/api/text.h"
#include "daemon/base/json.h"

namespace cobble::api {

namespace {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 301:
      return "Moved Permanently";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Request Entity Too Large";
    case 417:
      return "Expectation Failed";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Error";
  }
}

/// The envelope up to what `type` needs next.
void begin_envelope(base::JsonWriter& json, std::string_view type, int status) {
  json.begin_object();
  json.field("type", type);
  json.field("status-code", status);
  json.field("status", reason_phrase(status));
}

Response finish(base::JsonWriter& json, int status) {
  json.end_object();
  Response response;
  response.status = status;
  response.body = json.take();
  return response;
}

}  // namespace

std::string_view status_phrase(int status) {
  return reason_phrase(status);
}

Query::Query(std::string_view raw) {
  while (!raw.empty()) {
    const std::size_t end = raw.find('&');
    const std::string_view pair = raw.substr(0, end);
    raw.remove_prefix(end == std::string_view::npos ? raw.size() : end + 1);
    if (pair.empty() || pair.find(';') != std::string_view::npos) continue;
    const std::size_t equals = pair.find('=');
    auto name = percent_decode(pair.substr(0, equals), true);
    auto value = percent_decode(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), true);
    if (name && value) pairs_.emplace_back(std::move(*name), std::move(*value));
  }
}

std::string_view Query::get(std::string_view name) const {
  for (const auto& [key, value] : pairs_)
    if (key == name) return value;
  return {};
}

bool Query::has(std::string_view name) const {
  for (const auto& [key, value] : pairs_)
    if (key == name) return true;
  return false;
}

std::vector<std::string_view> Query::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : pairs_)
    if (key == name) values.emplace_back(value);
  return values;
}

std::vector<std::string> Query::list(std::string_view name) const {
  static constexpr std::string_view white_space = " \t\n\r\v\f";
  std::vector<std::string> items;
  for (std::string_view value : all(name)) {
    while (true) {
      const std::size_t comma = value.find(',');
      const std::string_view item = value.substr(0, comma);
      const std::size_t first = item.find_first_not_of(white_space);
      if (first != std::string_view::npos) items.emplace_back(item.substr(first, item.find_last_not_of(white_space) - first + 1));
      if (comma == std::string_view::npos) break;
      value.remove_prefix(comma + 1);
    }
  }
  return items;
}

std::string_view Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (equal_ignoring_case(key, name)) return value;
  return {};
}

Response sync_response() {
  base::JsonWriter json;
  begin_envelope(json, "sync", 200);
  Response response = finish(json, 200);
  response.envelope = true;
  return response;
}

Response sync_response(std::string result_json, int status) {
  base::JsonWriter json;
  json.reserve(result_json.size() + 128);
  begin_envelope(json, "sync", status);
  json.raw_field("result", result_json);
  Response response = finish(json, status);
  response.envelope = true;
  return response;
}

Response async_response(std::string_view change_id, std::string result_json) {
  base::JsonWriter json;
  begin_envelope(json, "async", 202);
  json.field("change", change_id);
  json.raw_field("result", result_json);
  Response response = finish(json, 202);
  response.envelope = true;
  return response;
}

Response error_response(const base::Error& error) {
  base::JsonWriter json;
  begin_envelope(json, "error", error.status);
  json.key("result");
  json.begin_object();
  json.field("message", error.message);
  if (!error.kind.empty()) json.field("kind", error.kind);
  json.end_object();
  return finish(json, error.status);
}

std::string error_message(const Response& response) {
  std::string message;
  const auto json = base::parse_json(response.body);
  if (!json) return message;
  const nlohmann::json* result = base::JsonFields(*json).find("result");
  if (result != nullptr) base::JsonFields(*result).read("message", message);
  return message;
}

}  // namespace cobble::api
