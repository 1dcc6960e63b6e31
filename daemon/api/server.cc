#include "daemon/api/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

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

std::expected<void, std::string> Server::listen_tcp(const std::string& address, bool tls) {
  auto fds = open_tcp_listeners(address);
  if (!fds)
    return std::unexpected(std::string(tls ? "cannot TLS listen on " : "cannot listen on ") + layers::quote(address) + ": " +
                           fds.error());
  for (TcpListener& tcp : *fds) {
    auto listener = std::make_shared<Listener>(loop_);
    listener->acceptor.assign(boost::asio::generic::stream_protocol(tcp.family, IPPROTO_TCP), tcp.fd.release());
    listener->transport = tls ? Transport::https : Transport::http;
    listener->limit = limits_.tcp_connections;
    listeners_.push_back(std::move(listener));
  }
  return {};
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
  sweeping_ = !connections_.empty();
  if (sweeping_) sweeper_.start(sweep_period, [this] { sweep(); });
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
