#include "daemon/net/connect.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/base/error.h"
#include "daemon/base/fd.h"
#include "daemon/net/resolver.h"

namespace cobble::net {

namespace {

namespace asio = boost::asio;

using Dialed = std::expected<base::Socket, std::string>;

constexpr auto second_family_delay = std::chrono::milliseconds(300);

std::optional<std::uint16_t> port_number(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

base::Task<Dialed> connect_one(base::IoContext& loop, Address address, std::uint16_t port) {
  const asio::ip::tcp::endpoint endpoint(address, port);
  const std::string where = "dial tcp " + join_host_port(address.to_string(), std::to_string(port)) + ": ";
  base::UniqueFd fd(::socket(address.is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) co_return std::unexpected(where + "socket: " + base::errno_text(errno));
  base::Socket socket(loop);
  base::ErrorCode error;
  socket.assign(asio::generic::stream_protocol(endpoint.protocol()), fd.get(), error);
  if (error) co_return std::unexpected(where + "socket: " + base::errno_text(error.value()));
  static_cast<void>(fd.release());
  co_await socket.async_connect(asio::generic::stream_protocol::endpoint(endpoint.data(), endpoint.size()),
                                asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return std::unexpected(where + "connect: " + base::errno_text(error.value()));
  socket.set_option(asio::ip::tcp::no_delay(true), error);
  co_return socket;
}

base::Task<Dialed> connect_in_turn(base::IoContext& loop, std::vector<Address> addresses, std::uint16_t port) {
  std::optional<std::string> first_error;
  for (const Address& address : addresses) {
    Dialed socket = co_await connect_one(loop, address, port);
    if (socket) co_return socket;
    if (!first_error) first_error = std::move(socket.error());
  }
  co_return std::unexpected(first_error.value_or("dial tcp: no suitable address found"));
}

/// Two families at once: the first connection wins.
struct Race {
  explicit Race(base::IoContext& loop) : changed(loop) {}
  base::Event changed;
  std::optional<base::Socket> winner;
  std::optional<std::string> first_error;
  int running = 0;
};

base::Task<void> run_in_race(base::IoContext& loop, std::shared_ptr<Race> race, std::vector<Address> addresses,
                             std::uint16_t port, bool is_first) {
  Dialed socket = co_await connect_in_turn(loop, std::move(addresses), port);
  --race->running;
  if (socket && !race->winner) race->winner = std::move(*socket);
  if (!socket && is_first) race->first_error = std::move(socket.error());
  race->changed.notify_all();
}

/// Cancels the attempts of a race when the waiting coroutine ends, in whatever way.
struct Attempts {
  std::vector<std::function<void()>> cancels;
  Attempts() = default;
  Attempts(const Attempts&) = delete;
  Attempts& operator=(const Attempts&) = delete;
  ~Attempts() {
    for (auto& cancel : cancels) cancel();
  }
};

base::Task<Dialed> connect_racing(base::IoContext& loop, std::vector<Address> first, std::vector<Address> second,
                                  std::uint16_t port) {
  auto race = std::make_shared<Race>(loop);
  Attempts attempts;
  const auto begin = [&](std::vector<Address> addresses, bool is_first) {
    ++race->running;
    auto task = run_in_race(loop, race, std::move(addresses), port, is_first);
    attempts.cancels.push_back(base::spawn_cancellable(loop, "connecting", std::move(task)));
  };
  begin(std::move(first), true);
  co_await race->changed.wait_until(std::chrono::steady_clock::now() + second_family_delay);
  if (!race->winner) begin(std::move(second), false);
  while (!race->winner && race->running > 0) co_await race->changed.wait();
  if (race->winner) co_return std::move(*race->winner);
  co_return std::unexpected(race->first_error.value_or("dial tcp: no suitable address found"));
}

}  // namespace

std::string join_host_port(std::string_view host, std::string_view port) {
  std::string out;
  if (host.find(':') != std::string_view::npos) {
    out.append("[").append(host).append("]");
  } else {
    out.append(host);
  }
  return out.append(":").append(port);
}

base::Task<Dialed> dial(base::IoContext& loop, std::string host, std::string port) {
  if (host.find('[') != std::string::npos)
    co_return std::unexpected("dial tcp: address " + join_host_port(host, port) + ": missing port in address");
  const auto number = port_number(port);
  if (!number) co_return std::unexpected("dial tcp: address " + port + ": invalid port");
  auto addresses = co_await resolve(loop, std::move(host));
  if (!addresses) co_return std::unexpected("dial tcp: " + addresses.error());
  std::vector<Address> first;
  std::vector<Address> second;
  for (const Address& address : *addresses) (address.is_v6() == addresses->front().is_v6() ? first : second).push_back(address);
  if (second.empty()) co_return co_await connect_in_turn(loop, std::move(first), *number);
  co_return co_await connect_racing(loop, std::move(first), std::move(second), *number);
}

}  // namespace cobble::net
