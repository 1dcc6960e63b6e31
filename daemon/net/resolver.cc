#include "daemon/net/resolver.h"

#include <ares.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "daemon/base/fd.h"
#include "daemon/base/text.h"

namespace cobble::net {

namespace {

namespace asio = boost::asio;

/// One look-up by c-ares, whose sockets and timeouts the loop watches. Lives as long as the awaiting coroutine; what the loop
/// still has queued for it holds only a weak reference.
class Query : public std::enable_shared_from_this<Query> {
 public:
  explicit Query(base::IoContext& loop) : loop_(loop), timer_(loop), finished_(loop) {}
  ~Query() {
    if (channel_) ares_destroy(channel_);
    for (auto& [fd, watched] : watched_) watched->release();
  }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  base::Task<std::expected<std::vector<Address>, std::string>> run(std::string host) {
    ares_options options{};
    options.sock_state_cb = [](void* data, ares_socket_t fd, int readable, int writable) {
      static_cast<Query*>(data)->socket_changed(fd, readable != 0, writable != 0);
    };
    options.sock_state_cb_data = this;
    char lookups[] = "fb";
    options.lookups = lookups;
    options.timeout = 2000;
    options.tries = 3;
    const int mask = ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES;
    if (const int code = ares_init_options(&channel_, &options, mask); code != ARES_SUCCESS) {
      channel_ = nullptr;
      co_return std::unexpected("lookup " + host + ": " + ares_strerror(code));
    }
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    ares_getaddrinfo(
        channel_, host.c_str(), nullptr, &hints,
        [](void* data, int code, int, ares_addrinfo* found) { static_cast<Query*>(data)->finish(code, found); }, this);
    arm_timer();
    while (!code_) {
      if (!co_await finished_.wait()) break;
    }
    if (!code_) co_return std::unexpected("lookup " + host + ": operation was canceled");
    if (*code_ == ARES_SUCCESS && !addresses_.empty()) co_return std::move(addresses_);
    co_return std::unexpected("lookup " + host + server_text() + ": " + reason(*code_));
  }

 private:
  using Descriptor = asio::posix::stream_descriptor;

  void finish(int code, ares_addrinfo* found) {
    if (code == ARES_EDESTRUCTION) return;
    code_ = code;
    for (const auto* node = found ? found->nodes : nullptr; node; node = node->ai_next) {
      if (node->ai_family == AF_INET) {
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(node->ai_addr);
        addresses_.emplace_back(asio::ip::address_v4(ntohl(v4->sin_addr.s_addr)));
      } else if (node->ai_family == AF_INET6) {
        const auto* v6 = reinterpret_cast<const sockaddr_in6*>(node->ai_addr);
        asio::ip::address_v6::bytes_type bytes;
        std::copy_n(v6->sin6_addr.s6_addr, bytes.size(), bytes.begin());
        addresses_.emplace_back(asio::ip::address_v6(bytes, v6->sin6_scope_id));
      }
    }
    if (found) ares_freeaddrinfo(found);
    finished_.notify_all();
  }

  void socket_changed(ares_socket_t fd, bool readable, bool writable) {
    auto& watched = watched_[fd];
    if (!readable && !writable) {
      if (watched) watched->release();
      watched_.erase(fd);
      return;
    }
    if (!watched) watched = std::make_shared<Descriptor>(loop_, fd);
    if (readable) watch(watched, true);
    if (writable) watch(watched, false);
  }

  void watch(const std::shared_ptr<Descriptor>& watched, bool reading) {
    watched->async_wait(reading ? Descriptor::wait_read : Descriptor::wait_write,
                        [weak = weak_from_this(), watched, reading](boost::system::error_code error) {
                          const auto self = weak.lock();
                          if (error || !self || !self->channel_) return;
                          const int fd = watched->native_handle();
                          ares_process_fd(self->channel_, reading ? fd : ARES_SOCKET_BAD, reading ? ARES_SOCKET_BAD : fd);
                          // Still the same socket: c-ares may have closed it meanwhile, and opened another.
                          const auto now = self->watched_.find(fd);
                          if (reading && now != self->watched_.end() && now->second == watched) self->watch(watched, true);
                          self->arm_timer();
                        });
  }

  void arm_timer() {
    timeval room{};
    if (code_ || !ares_timeout(channel_, nullptr, &room)) return timer_.cancel();
    const auto delay = std::chrono::seconds(room.tv_sec) + std::chrono::microseconds(room.tv_usec);
    timer_.start(delay, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      ares_process_fd(self->channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
      self->arm_timer();
    });
  }

  /// ` on 10.0.0.53:53`: the first name server.
  std::string server_text() const {
    ares_addr_port_node* servers = nullptr;
    if (ares_get_servers_ports(channel_, &servers) != ARES_SUCCESS || !servers) return {};
    Address address;
    if (servers->family == AF_INET) {
      address = asio::ip::address_v4(ntohl(servers->addr.addr4.s_addr));
    } else {
      asio::ip::address_v6::bytes_type bytes;
      std::copy_n(reinterpret_cast<const unsigned char*>(&servers->addr.addr6), bytes.size(), bytes.begin());
      address = asio::ip::address_v6(bytes);
    }
    const int port = servers->udp_port > 0 ? servers->udp_port : 53;
    ares_free_data(servers);
    const std::string text = address.to_string();
    return " on " + (address.is_v6() ? "[" + text + "]" : text) + ":" + std::to_string(port);
  }

  static std::string reason(int code) {
    switch (code) {
      case ARES_SUCCESS:
      case ARES_ENOTFOUND:
      case ARES_ENODATA:
      case ARES_EBADNAME:
        return "no such host";
      case ARES_ETIMEOUT:
        return "i/o timeout";
      case ARES_ECONNREFUSED:
        return "connection refused";
      case ARES_ESERVFAIL:
      case ARES_EREFUSED:
      case ARES_EFORMERR:
      case ARES_ENOTIMP:
      case ARES_EBADRESP:
        return "server misbehaving";
      default:
        return ares_strerror(code);
    }
  }

  base::IoContext& loop_;
  ares_channel channel_ = nullptr;
  std::map<ares_socket_t, std::shared_ptr<Descriptor>> watched_;
  base::Timer timer_;
  base::Event finished_;
  std::optional<int> code_;
  std::vector<Address> addresses_;
};

/// Whether the kernel has a way to the address (a datagram socket finds out without sending anything).
bool reachable(const Address& address) {
  const int family = address.is_v6() ? AF_INET6 : AF_INET;
  const base::UniqueFd probe(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!probe) return false;
  if (address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(9);
    v4.sin_addr.s_addr = htonl(address.to_v4().to_uint());
    return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&v4), sizeof(v4)) == 0;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(9);
  v6.sin6_scope_id = static_cast<std::uint32_t>(address.to_v6().scope_id());
  const auto bytes = address.to_v6().to_bytes();
  std::copy(bytes.begin(), bytes.end(), v6.sin6_addr.s6_addr);
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&v6), sizeof(v6)) == 0;
}

std::vector<Address> in_order(const std::vector<Address>& addresses) {
  if (addresses.size() < 2) return addresses;
  std::vector<Address> six;
  std::vector<Address> four;
  std::vector<Address> unreachable;
  for (const Address& address : addresses) (!reachable(address) ? unreachable : address.is_v6() ? six : four).push_back(address);
  six.insert(six.end(), four.begin(), four.end());
  six.insert(six.end(), unreachable.begin(), unreachable.end());
  return six;
}

}  // namespace

base::Task<std::expected<std::vector<Address>, std::string>> resolve(base::IoContext& loop, std::string host) {
  boost::system::error_code error;
  const Address literal = asio::ip::make_address(host, error);
  if (!error) co_return std::vector{literal};
  std::string name = base::to_lower(host);
  if (name.ends_with('.')) name.pop_back();
  if (name.empty() || name == "localhost" || name.ends_with(".localhost"))
    co_return in_order({Address(asio::ip::address_v6::loopback()), Address(asio::ip::address_v4::loopback())});
  const auto query = std::make_shared<Query>(loop);
  auto found = co_await query->run(host);
  if (!found) co_return found;
  co_return in_order(*found);
}

}  // namespace cobble::net
