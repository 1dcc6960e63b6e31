#include "daemon/net/http_client.h"

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <cctype>
#include <cstdlib>
#include <optional>

#include "daemon/base/text.h"
#include "daemon/base/within.h"
#include "daemon/net/gzip.h"
#include "daemon/net/http_connection.h"
#include "daemon/net/response_parser.h"
#include "layers/quote.h"

namespace cobble::net {

namespace {

constexpr std::string_view too_late = "context deadline exceeded";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool is_token(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= ' ' && byte != 0x7f);
  });
}

bool redirects(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// `host` is `parent` or a name below it.
bool same_or_below(std::string_view host, std::string_view parent) {
  return host == parent ||
         (host.size() > parent.size() && host.ends_with(parent) && host[host.size() - parent.size() - 1] == '.');
}

/// One call of `send`: what it has come to, also when it is cut short.
struct Exchange {
  HttpRequest request;  ///< as it is sent now: redirects change it
  HttpOptions options;
  Url first_url;
  Url url;
  std::string referer;
  int sent = 0;
  std::optional<HttpResponse> response;  ///< from the moment that its head is there
  std::optional<std::string> error;      ///< without method and URL
  std::optional<std::string> error_url;  ///< what to name instead of `url`

  const std::string* field(std::string_view name) const {
    for (const auto& [its_name, value] : request.headers)
      if (base::equal_ignoring_case(its_name, name)) return &value;
    return nullptr;
  }
  void drop_field(std::string_view name) {
    std::erase_if(request.headers, [&](const auto& item) { return base::equal_ignoring_case(item.first, name); });
  }
  bool offers_gzip() const { return options.gzip && !field("Accept-Encoding") && !field("Range"); }
};

std::optional<std::string> fault_of(const Exchange& exchange) {
  const Url& url = exchange.url;
  for (const auto& [name, value] : exchange.request.headers) {
    if (!is_token(name)) return "net/http: invalid header field name " + layers::quote(name);
    if (!is_field_value(value)) return "net/http: invalid header field value for " + layers::quote(name);
  }
  if (url.scheme != "http" && url.scheme != "https" && url.scheme != "http+unix")
    return "unsupported protocol scheme " + layers::quote(url.scheme);
  if (url.host_port().empty()) return "http: no Host in request URL";
  return std::nullopt;
}

std::string head_text(const Exchange& exchange, const Route& route) {
  const Url& url = exchange.url;
  std::string head = exchange.request.method + " ";
  if (route.through_proxy()) head += "http://" + url.host_port();
  head += url.target() + " HTTP/1.1\r\n";
  const auto line = [&](std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(base::trim(value)).append("\r\n");
  };
  const std::string* host = exchange.field("Host");
  line("Host", host && !host->empty() ? *host : url.scheme == "http+unix" ? "localhost" : url.host_port());
  const std::string* agent = exchange.field("User-Agent");
  const std::string& agent_text = agent ? *agent : exchange.options.user_agent;
  if (!agent_text.empty()) line("User-Agent", agent_text);
  if (!exchange.request.body.empty() || exchange.request.method != "GET")
    line("Content-Length", std::to_string(exchange.request.body.size()));
  static constexpr std::array own{"Host", "User-Agent", "Content-Length", "Transfer-Encoding"};
  for (const auto& [name, value] : exchange.request.headers)
    if (std::none_of(own.begin(), own.end(), [&](const char* ours) { return base::equal_ignoring_case(name, ours); }))
      line(name, value);
  if (url.has_user && !exchange.field("Authorization"))
    line("Authorization", basic_credential(url.user, url.password.value_or("")));
  if (!exchange.referer.empty() && !exchange.field("Referer")) line("Referer", exchange.referer);
  if (route.through_proxy() && route.proxy->has_user && !exchange.field("Proxy-Authorization"))
    line("Proxy-Authorization", basic_credential(route.proxy->user, route.proxy->password.value_or("")));
  if (exchange.offers_gzip()) line("Accept-Encoding", "gzip");
  return head + "\r\n";
}

/// Makes of the exchange what a redirect says; false when its response is the answer.
bool follow(Exchange& exchange) {
  const int status = exchange.response->status;
  const std::string location(exchange.response->header("Location"));
  if (exchange.options.redirect_limit <= 0 || !redirects(status) || location.empty()) return false;
  const auto reference = parse_url(location);
  exchange.response.reset();
  if (!reference) {
    exchange.error = "failed to parse Location header " + layers::quote(location) + ": parse " + layers::quote(location) + ": " +
                     reference.error();
    return false;
  }
  if (exchange.sent >= exchange.options.redirect_limit) {
    exchange.error = "stopped after " + std::to_string(exchange.options.redirect_limit) + " redirects";
    exchange.error_url = location;
    return false;
  }
  const Url last = std::exchange(exchange.url, resolve_reference(exchange.url, *reference));
  if (status != 307 && status != 308) {
    if (exchange.request.method != "HEAD") exchange.request.method = "GET";
    exchange.request.body.clear();
    exchange.drop_field("Content-Type");
  }
  if (!same_or_below(base::to_lower(exchange.url.host), base::to_lower(exchange.first_url.host)))
    for (const char* secret : {"Authorization", "Cookie", "Cookie2", "Www-Authenticate"}) exchange.drop_field(secret);
  Url plain = last;
  plain.has_user = false;
  plain.has_fragment = false;
  plain.fragment.clear();
  exchange.referer = last.scheme == "https" && exchange.url.scheme == "http" ? std::string() : plain.text(false);
  exchange.drop_field("Host");
  return true;
}

void unpack(HttpResponse& response, std::size_t limit) {
  if (!base::equal_ignoring_case(response.header("Content-Encoding"), "gzip")) return;
  auto unpacked = unpack_gzip(response.body, limit);
  if (unpacked) {
    response.body = std::move(*unpacked);
    return;
  }
  response.body.clear();
  if (response.body_error.empty()) response.body_error = unpacked.error();
}

enum class Outcome { answered, failed, connection_was_stale };

}  // namespace

struct HttpClient::State {
  explicit State(base::IoContext& its_loop) : loop(its_loop), idle(its_loop), proxies(ProxySettings::from(environment)) {}

  base::IoContext& loop;
  IdleConnections idle;
  ProxySettings proxies;

  base::Task<void> run(Exchange& exchange);
  base::Task<void> send_once(Exchange& exchange);
  base::Task<Outcome> converse(Exchange& exchange, const Route& route, std::unique_ptr<base::Stream> stream, bool reused);
  base::Task<void> read_body(Exchange& exchange, ResponseParser& parser, base::Stream& stream);
};

HttpClient::HttpClient(base::IoContext& loop) : state_(std::make_shared<State>(loop)) {}

HttpClient::~HttpClient() = default;

void HttpClient::close_idle() {
  state_->idle.clear();
}

base::Task<void> HttpClient::State::run(Exchange& exchange) {
  do {
    exchange.error = fault_of(exchange);
    if (exchange.error) co_return;
    co_await send_once(exchange);
  } while (!exchange.error && follow(exchange));
}

base::Task<void> HttpClient::State::send_once(Exchange& exchange) {
  ++exchange.sent;
  const Route route{exchange.url, exchange.url.scheme == "http+unix" ? std::nullopt : proxies.choose(exchange.url),
                    exchange.options.tls};
  if (auto kept = idle.take(route.key())) {
    if (co_await converse(exchange, route, std::move(kept), true) != Outcome::connection_was_stale) co_return;
  }
  auto stream = co_await connect_route(loop, route);
  if (!stream) {
    exchange.error = std::move(stream.error());
    co_return;
  }
  co_await converse(exchange, route, std::move(*stream), false);
}

/// Sends the request over a connection and reads the answer.
base::Task<Outcome> HttpClient::State::converse(Exchange& exchange, const Route& route, std::unique_ptr<base::Stream> stream,
                                                bool reused) {
  // A failed write isn't the last word: a server may have answered and closed before it had read everything.
  base::ErrorCode write_error;
  co_await stream->write(head_text(exchange, route), exchange.request.body, write_error);
  ResponseParser parser(exchange.options.head_limit, exchange.options.body_limit);
  std::array<char, 16 * 1024> buffer;
  while (!parser.head_done()) {
    base::ErrorCode error;
    const std::size_t count = co_await stream->read_some(buffer, error);
    if (error && reused && !parser.started()) co_return Outcome::connection_was_stale;
    std::expected<void, std::string> put;
    if (!error) {
      put = parser.put({buffer.data(), count});
    } else if (write_error) {
      put = std::unexpected(stream_error_text(*stream, "write", write_error));
    } else {
      put = parser.end();
      if (error != boost::asio::error::eof) put = std::unexpected(stream_error_text(*stream, "read", error));
    }
    if (!put) {
      exchange.error = std::move(put.error());
      co_return Outcome::failed;
    }
  }
  exchange.response = parser.response();
  const int status = exchange.response->status;
  const bool skip = exchange.options.skip_body_on_2xx && status >= 200 && status < 300;
  if (skip) {
    exchange.response->body.clear();
  } else {
    co_await read_body(exchange, parser, *stream);
  }
  if (parser.keep_alive() && !write_error) idle.keep(route.key(), std::move(stream));
  co_return Outcome::answered;
}

base::Task<void> HttpClient::State::read_body(Exchange& exchange, ResponseParser& parser, base::Stream& stream) {
  HttpResponse& response = *exchange.response;
  std::array<char, 16 * 1024> buffer;
  while (!parser.done() && parser.response().body.size() < exchange.options.body_limit) {
    base::ErrorCode error;
    const std::size_t count = co_await stream.read_some(buffer, error);
    const auto put = error ? parser.end() : parser.put({buffer.data(), count});
    response.body = parser.response().body;
    if (!put) response.body_error = put.error();
    if (error && error != boost::asio::error::eof) response.body_error = stream_error_text(stream, "read", error);
    if (error || !put) break;
  }
  response.headers = parser.response().headers;
  response.body = parser.response().body;
  response.body_cut = parser.body_full() || (!parser.done() && response.body_error.empty());
}

base::Task<std::expected<HttpResponse, HttpError>> HttpClient::send(HttpRequest request, HttpOptions options) {
  const auto state = state_;
  auto url = parse_url(request.url);
  if (!url)
    co_return std::unexpected(HttpError{HttpError::Kind::bad_url, "parse " + layers::quote(request.url) + ": " + url.error()});
  Exchange exchange;
  exchange.request = std::move(request);
  exchange.options = std::move(options);
  exchange.first_url = exchange.url = *url;
  std::string method = base::to_lower(exchange.request.method);
  if (!method.empty()) method[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(method[0])));

  const bool in_time = co_await base::within(exchange.options.timeout, state->run(exchange));
  if (!in_time && exchange.response) exchange.response->body_error = too_late;
  if (exchange.response && (!exchange.error || !in_time)) {
    if (exchange.offers_gzip()) unpack(*exchange.response, exchange.options.body_limit);
    co_return std::move(*exchange.response);
  }
  const std::string where = method + " " + layers::quote(exchange.error_url.value_or(exchange.url.text(true))) + ": ";
  if (!in_time) co_return std::unexpected(HttpError{HttpError::Kind::timed_out, where + std::string(too_late)});
  co_return std::unexpected(HttpError{HttpError::Kind::failed, where + exchange.error.value_or("no response")});
}

}  // namespace cobble::net
