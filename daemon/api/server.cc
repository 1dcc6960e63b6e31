#include "daemon/api/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>

#include "daemon/api/connection.h"
#include "daemon/api/listen.h"
#include "daemon/base/fd.h"
#include "daemon/base/log.h"
#include "layers/quote.h"

namespace cobble::api {

using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol>;

struct Server::Listener {
  explicit Listener(base::IoContext& loop) : acceptor(loop) {}
  Acceptor acceptor;
  Transport transport = Transport::unix_socket;
  std::size_t connections = 0;
  std::size_t limit = 0;
};

namespace {

constexpr base::Nanoseconds sweep_period = std::chrono::seconds(5);
/// Accepted in one go before others get their turn.
constexpr int accept_batch_size = 32;
/// Pause after accept failed for want of descriptors or memory.
constexpr base::Nanoseconds accept_pause = std::chrono::milliseconds(200);
/// Connections from which on it is worth while to give their memory back when most of them have gone.
constexpr std::size_t smallest_crowd = 256;
constexpr base::Nanoseconds turned_away_line_period = std::chrono::seconds(10);

/// Counts a connection of a listener for as long as it lives.
class Seat {
 public:
  explicit Seat(std::size_t& count) : count_(count) { ++count_; }
  ~Seat() { --count_; }
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;

 private:
  std::size_t& count_;
};

void set_credentials(int fd, Peer& peer) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return;
  peer.uid = credentials.uid;
  peer.pid = credentials.pid;
}

/// A new connection gets the lowest free descriptor, so that its number tells how many are in use. Connections leave some of them
/// to services, checks, commands and the state file; who is no admin leaves as many again to admins. A few may always come: when
/// it is services that have the descriptors, somebody must be able to stop them. `others`: connections that there are.
bool leaves_room(int fd, const Peer& peer, std::size_t others) {
  const bool admin = peer.transport == Transport::unix_socket && (peer.uid == 0U || peer.uid == ::geteuid());
  rlimit limit{};
  if (others < (admin ? 8 : 4) || ::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return true;
  const rlim_t kept = std::clamp<rlim_t>(limit.rlim_cur / 8, 8, 64);
  return static_cast<rlim_t>(fd) + (admin ? kept : 2 * kept) < limit.rlim_cur;
}

}  // namespace

Server::Server(base::IoContext& loop, Context& context, std::span<const Route> routes, Gatekeeper gatekeeper, ServerLimits limits)
    : loop_(loop),
      context_(context),
      routes_(routes),
      gatekeeper_(std::move(gatekeeper)),
      limits_(limits),
      sweeper_(loop),
      drained_(loop) {}

Server::~Server() {
  for (Connection* connection : connections_) connection->abort();
}

std::expected<void, std::string> Server::listen_unix(const std::string& path) {
  auto fd = open_unix_listener(path);
  if (!fd) return std::unexpected(std::move(fd.error()));
  auto listener = std::make_shared<Listener>(loop_);
  listener->acceptor.assign(boost::asio::generic::stream_protocol(AF_UNIX, 0), fd->release());
  listener->limit = limits_.unix_connections;
  listeners_.push_back(std::move(listener));
  socket_path_ = path;
  return {};
}

std::expected<std::string, std::string> Server::listen_tcp(const std::string& address, bool tls) {
  auto tcp = open_tcp_listener(address);
  if (!tcp)
    return std::unexpected(std::string(tls ? "cannot TLS listen on " : "cannot listen on ") + layers::quote(address) + ": " +
                           tcp.error());
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(tcp->fd.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  auto listener = std::make_shared<Listener>(loop_);
  listener->acceptor.assign(boost::asio::generic::stream_protocol(tcp->family, IPPROTO_TCP), tcp->fd.release());
  listener->transport = tls ? Transport::https : Transport::http;
  listener->limit = limits_.tcp_connections;
  listeners_.push_back(std::move(listener));
  return address_text(bound);
}

void Server::serve() {
  for (const auto& listener : listeners_) base::spawn(loop_, "listener", accept_loop(listener));
}

Task<void> Server::accept_loop(std::shared_ptr<Listener> listener) {
  while (!stopping_ && listener->acceptor.is_open()) {
    base::ErrorCode error;
    co_await listener->acceptor.async_wait(Acceptor::wait_read, boost::asio::redirect_error(boost::asio::use_awaitable, error));
    if (error) co_return;
    const bool full = listener->connections >= listener->limit;
    if (full || !accept_batch(listener)) co_await base::sleep_for(accept_pause);
  }
}

bool Server::accept_batch(const std::shared_ptr<Listener>& listener) {
  for (int i = 0; i < accept_batch_size && listener->connections < listener->limit; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    base::UniqueFd fd(::accept4(listener->acceptor.native_handle(), reinterpret_cast<sockaddr*>(&address), &size,
                                SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) {
      if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR) return true;
      base::log(std::string("Cannot accept a connection: ") + base::errno_text(errno));
      return false;
    }
    Peer peer;
    peer.transport = listener->transport;
    if (address.ss_family == AF_UNIX) {
      set_credentials(fd.get(), peer);
    } else {
      const int on = 1;
      ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      peer.address = address_text(address);
    }
    if (!leaves_room(fd.get(), peer, connections_.size() + static_cast<std::size_t>(i))) {
      turn_away(fd.get(), peer.transport);
      continue;
    }
    base::Socket socket(loop_);
    base::ErrorCode error;
    socket.assign(boost::asio::generic::stream_protocol(address.ss_family, 0), fd.get(), error);
    if (error) return false;
    fd.release();
    socket.native_non_blocking(true, error);
    base::spawn(loop_, "connection", run_connection(listener, std::move(socket), std::move(peer)));
  }
  return true;
}

void Server::turn_away(int fd, Transport transport) {
  ++turned_away_;
  if (const base::SteadyTime now = std::chrono::steady_clock::now(); now >= next_turned_away_line_) {
    next_turned_away_line_ = now + turned_away_line_period;
    base::log("Refused " + std::to_string(std::exchange(turned_away_, 0)) + " connections: too few descriptors left");
  }
  if (transport == Transport::https) return;
  static constexpr std::string_view answer =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 114\r\nConnection: close\r\n\r\n"
      R"({"type":"error","status-code":503,"status":"Service Unavailable","result":{"message":"too many open connections"}})";
  [[maybe_unused]] const auto sent = ::send(fd, answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

Task<void> Server::run_connection(std::shared_ptr<Listener> listener, base::Socket socket, Peer peer) {
  const Seat seat(listener->connections);
  std::unique_ptr<base::Stream> stream;
  if (peer.transport == Transport::https) {
    stream = co_await gatekeeper_.accept_tls(std::move(socket), peer);
  } else {
    stream = base::make_plain_stream(std::move(socket));
  }
  if (!stream || stopping_) co_return;
  if (!sweeping_) {
    sweeping_ = true;
    sweeper_.start(sweep_period, [this] { sweep(); });
  }
  const auto connection = std::make_shared<Connection>(*this, std::move(stream), std::move(peer));
  co_await connection->serve();
}

void Server::sweep() {
  const base::SteadyTime now = std::chrono::steady_clock::now();
  for (auto at = connections_.begin(); at != connections_.end();) (*at++)->check_deadline(now);
  clean_up_after_crowd();
  sweeping_ = !connections_.empty();
  if (sweeping_) sweeper_.start(sweep_period, [this] { sweep(); });
}

void Server::clean_up_after_crowd() {
  if (crowd_ < smallest_crowd || connections_.size() > crowd_ / 4) return;
  crowd_ = connections_.size();
  ::malloc_trim(0);
}

void Server::end_streams(const std::function<bool(const access::RequestUser&)>& unwanted) {
  for (auto at = connections_.begin(); at != connections_.end();) {
    Connection& connection = **at++;
    if (const access::RequestUser* user = connection.streaming_to(); user != nullptr && unwanted(*user)) connection.abort();
  }
}

Task<void> Server::stop(base::Nanoseconds limit) {
  stopping_ = true;
  for (const auto& listener : listeners_) {
    base::ErrorCode ignored;
    listener->acceptor.close(ignored);
  }
  if (!socket_path_.empty()) ::unlink(socket_path_.c_str());
  for (auto at = connections_.begin(); at != connections_.end();) (*at++)->finish();
  const base::SteadyTime deadline = std::chrono::steady_clock::now() + limit;
  while (!connections_.empty()) {
    if (!co_await drained_.wait_until(deadline)) break;
  }
  for (auto at = connections_.begin(); at != connections_.end();) (*at++)->abort();
}

}  // namespace cobble::api
