#include "daemon/net/http_connection.h"

#include <sys/socket.h>

#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <utility>

#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/net/connect.h"
#include "daemon/net/response_parser.h"
#include "daemon/net/tls.h"

namespace cobble::net {

namespace {

namespace asio = boost::asio;

using Connected = std::expected<std::unique_ptr<base::Stream>, std::string>;

constexpr std::size_t idle_per_route = 2;
constexpr std::size_t idle_routes = 64;
constexpr auto idle_time = std::chrono::seconds(90);
constexpr auto expire_period = std::chrono::seconds(30);

base::Task<Connected> connect_tcp(base::IoContext& loop, std::string host, std::string port) {
  auto socket = co_await dial(loop, std::move(host), std::move(port));
  if (!socket) co_return std::unexpected(socket.error());
  co_return base::make_plain_stream(std::move(*socket));
}

base::Task<Connected> connect_socket_path(const Url& target) {
  const std::string path = base::percent_decode(target.host, false).value_or(target.host);
  base::ErrorCode error;
  auto stream = co_await base::connect_unix(path, std::chrono::hours(1), error);
  if (!stream) co_return std::unexpected("dial unix " + path + ": connect: " + base::errno_text(error.value()));
  co_return stream;
}

/// Asks the proxy for a tunnel.
base::Task<std::expected<void, std::string>> open_tunnel(base::Stream& stream, const Url& target, const Url& proxy) {
  const std::string where = join_host_port(target.host, target.port_or_default());
  std::string head = "CONNECT " + where + " HTTP/1.1\r\nHost: " + where + "\r\nUser-Agent: Go-http-client/1.1\r\n";
  if (proxy.has_user) head += "Proxy-Authorization: " + basic_credential(proxy.user, proxy.password.value_or("")) + "\r\n";
  base::ErrorCode error;
  co_await stream.write(head + "\r\n", error);
  ResponseParser parser(64 * 1024, 0);
  std::array<char, 1> byte;  // not a byte beyond the head: what follows belongs to the tunnel
  std::string reply;
  while (!error && !reply.ends_with("\r\n\r\n") && reply.size() < 64 * 1024) {
    const std::size_t count = co_await stream.read_some(byte, error);
    if (!error) reply.append(byte.data(), count);
  }
  if (error) co_return std::unexpected(stream_error_text(stream, "read", error));
  if (auto put = parser.put(reply); !put) co_return put;
  if (parser.response().status != 200) co_return std::unexpected(parser.response().reason);
  co_return std::expected<void, std::string>();
}

std::string endpoint_text(int fd, bool remote) {
  asio::ip::tcp::endpoint endpoint;
  auto length = static_cast<socklen_t>(endpoint.capacity());
  const int result = remote ? ::getpeername(fd, endpoint.data(), &length) : ::getsockname(fd, endpoint.data(), &length);
  if (result != 0 || (endpoint.data()->sa_family != AF_INET && endpoint.data()->sa_family != AF_INET6)) return {};
  return join_host_port(endpoint.address().to_string(), std::to_string(endpoint.port()));
}

/// Whether the other end has neither closed nor sent anything unasked.
bool still_open(const base::Stream& stream) {
  char byte = 0;
  const auto result = ::recv(stream.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace

std::string Route::key() const {
  std::string key = target.scheme + "://" + target.host_port() + (proxy ? " " + proxy->text(false) : "");
  if (!tls.empty())
    for (const std::string* file : {&tls.ca_file, &tls.cert_file, &tls.key_file}) key += '\n' + *file;
  return key;
}

base::Task<Connected> connect_route(base::IoContext& loop, Route route) {
  const Url& target = route.target;
  if (target.scheme == "http+unix") co_return co_await connect_socket_path(target);
  const Url& first = route.proxy ? *route.proxy : target;
  auto stream = co_await connect_tcp(loop, first.host, first.port_or_default());
  if (!stream) {
    if (route.proxy) co_return std::unexpected("proxyconnect tcp: " + stream.error());
    co_return stream;
  }
  if (route.proxy && first.scheme == "https") {
    stream = co_await start_tls(std::move(*stream), first.host);
    if (!stream) co_return std::unexpected("proxyconnect tcp: " + stream.error());
  }
  if (target.scheme != "https") co_return stream;
  if (route.proxy) {
    if (auto tunnel = co_await open_tunnel(**stream, target, *route.proxy); !tunnel) co_return std::unexpected(tunnel.error());
  }
  co_return co_await start_tls(std::move(*stream), target.host, route.tls);
}

std::string stream_error_text(const base::Stream& stream, std::string_view operation, base::ErrorCode error) {
  if (error == asio::error::eof) return "EOF";
  const int fd = stream.native_handle();
  const std::string local = fd >= 0 ? endpoint_text(fd, false) : std::string();
  const std::string remote = fd >= 0 ? endpoint_text(fd, true) : std::string();
  const std::string what = std::string(operation);
  const std::string between = local.empty() ? std::string() : " tcp " + local + (remote.empty() ? "" : "->" + remote);
  return what + between + ": " + what + ": " + base::errno_text(error.value());
}

std::unique_ptr<base::Stream> IdleConnections::take(const std::string& key) {
  const auto found = idle_.find(key);
  if (found == idle_.end()) return nullptr;
  while (!found->second.empty()) {
    auto stream = std::move(found->second.back().stream);
    found->second.pop_back();
    if (still_open(*stream)) return stream;
  }
  idle_.erase(found);
  return nullptr;
}

void IdleConnections::keep(const std::string& key, std::unique_ptr<base::Stream> stream) {
  if (idle_.size() >= idle_routes && !idle_.contains(key)) return;
  auto& of_route = idle_[key];
  if (of_route.size() >= idle_per_route) return;
  of_route.push_back({std::move(stream), std::chrono::steady_clock::now()});
  if (!std::exchange(timer_runs_, true)) timer_.start(expire_period, [this] { expire(); });
}

void IdleConnections::expire() {
  const auto now = std::chrono::steady_clock::now();
  for (auto item = idle_.begin(); item != idle_.end();) {
    std::erase_if(item->second, [&](const Idle& idle) { return now - idle.since > idle_time || !still_open(*idle.stream); });
    item = item->second.empty() ? idle_.erase(item) : std::next(item);
  }
  timer_runs_ = !idle_.empty();
  if (timer_runs_) timer_.start(expire_period, [this] { expire(); });
}

void IdleConnections::clear() {
  idle_.clear();
}

}  // namespace cobble::net
