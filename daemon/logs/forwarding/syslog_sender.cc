#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/generic/datagram_protocol.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/local/datagram_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "daemon/base/error.h"
#include "daemon/base/stream.h"
#include "daemon/base/within.h"
#include "daemon/logs/forwarding/encode.h"
#include "daemon/logs/forwarding/sender.h"
#include "daemon/logs/forwarding/syslog_location.h"
#include "daemon/net/connect.h"
#include "daemon/net/http_connection.h"
#include "daemon/net/resolver.h"
#include "daemon/net/tls.h"

namespace cobble::logs::forwarding {

namespace {

/// Bytes of MSG in one datagram.
constexpr std::size_t datagram_message_limit = 4000;

/// The kernel's host name; empty when unknown.
std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  return name.data();
}

Outcome kept(std::string reason, std::size_t sent = 0) {
  return {Outcome::Kind::keep, std::move(reason), sent, 0, std::nullopt};
}

/// `dial tcp: address 127.0.0.1: missing port in address`; empty when there is a port.
std::string missing_port(const SyslogLocation& location, std::string_view network) {
  if (!location.port.empty()) return {};
  return "dial " + std::string(network) + ": address " + location.host + ": missing port in address";
}

/// Frames with their length before them, over one connection that is kept.
class StreamSyslogSender final : public Sender {
 public:
  StreamSyslogSender(base::IoContext& loop, SyslogLocation location, net::TlsOptions tls)
      : loop_(loop), location_(std::move(location)), tls_(std::move(tls)), host_name_(host_name()) {}

  base::Task<Outcome> send(std::span<const QueuedEntry> batch, base::Nanoseconds limit) override {
    if (stream_ && closed_by_peer()) stream_.reset();
    std::string error;
    const auto begin = std::chrono::steady_clock::now();
    if (!stream_) {
      if (!co_await base::within(limit, connect(error))) error = late();
      if (!stream_) co_return kept("cannot connect to " + location_.text + ": " + error);
    }
    std::string bytes;
    for (const QueuedEntry& entry : batch) append_syslog_frame(bytes, entry, host_name_);
    const auto left = limit - std::chrono::duration_cast<base::Nanoseconds>(std::chrono::steady_clock::now() - begin);
    // Until the whole block is out the connection counts as broken: what follows half a frame can't be read.
    auto stream = std::move(stream_);
    if (!co_await base::within(left, write(*stream, bytes, error))) error = "write tcp: i/o timeout";
    if (!error.empty()) co_return kept("cannot send syslogs: " + error);
    stream_ = std::move(stream);
    co_return Outcome{};
  }

 private:
  std::string late() const { return "dial tcp " + net::join_host_port(location_.host, location_.port) + ": i/o timeout"; }

  base::Task<void> connect(std::string& error) {
    error = missing_port(location_, "tcp");
    if (!error.empty()) co_return;
    auto socket = co_await net::dial(loop_, location_.host, location_.port);
    if (!socket) {
      error = socket.error();
      co_return;
    }
    auto stream = base::make_plain_stream(std::move(*socket));
    if (location_.transport == SyslogLocation::Transport::tls) {
      auto secured = co_await net::start_tls(std::move(stream), location_.host, tls_);
      if (!secured) {
        error = secured.error();
        co_return;
      }
      stream = std::move(*secured);
    }
    stream_ = std::move(stream);
  }

  static base::Task<void> write(base::Stream& stream, std::string_view bytes, std::string& error) {
    base::ErrorCode code;
    co_await stream.write(bytes, code);
    if (code) error = net::stream_error_text(stream, "write", code);
  }

  /// A server that went away between two batches would swallow the next one; what it says meanwhile is thrown away, but for TLS,
  /// whose records can't be left out.
  bool closed_by_peer() const {
    std::array<char, 4096> ignored;
    const bool plain = stream_->plain();
    ssize_t count = 0;
    do {
      count = ::recv(stream_->native_handle(), ignored.data(), ignored.size(), MSG_DONTWAIT | (plain ? 0 : MSG_PEEK));
    } while ((count > 0 && plain) || (count < 0 && errno == EINTR));
    return count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
  }

  base::IoContext& loop_;
  SyslogLocation location_;
  net::TlsOptions tls_;
  std::string host_name_;
  std::unique_ptr<base::Stream> stream_;
};

/// A datagram for each entry, over UDP or to a unix socket.
class DatagramSyslogSender final : public Sender {
 public:
  DatagramSyslogSender(base::IoContext& loop, SyslogLocation location)
      : loop_(loop), location_(std::move(location)), host_name_(host_name()), socket_(loop) {}

  base::Task<Outcome> send(std::span<const QueuedEntry> batch, base::Nanoseconds limit) override {
    std::string error;
    const auto begin = std::chrono::steady_clock::now();
    if (!socket_.is_open() && !co_await base::within(limit, connect(error))) error = "dial udp: i/o timeout";
    if (!socket_.is_open()) co_return kept("cannot connect to " + location_.text + ": " + error);
    std::size_t sent = 0;
    const auto left = limit - std::chrono::duration_cast<base::Nanoseconds>(std::chrono::steady_clock::now() - begin);
    if (!co_await base::within(left, send_all(batch, sent, error))) error = "i/o timeout";
    if (sent == batch.size()) co_return Outcome{};
    base::ErrorCode ignored;
    socket_.close(ignored);
    co_return kept("cannot send syslogs: write " + ends_ + ": " + error, sent);
  }

 private:
  using Protocol = boost::asio::generic::datagram_protocol;

  bool is_unix() const { return location_.transport == SyslogLocation::Transport::unix_socket; }

  base::Task<void> connect(std::string& error) {
    if (is_unix()) {
      const boost::asio::local::datagram_protocol::endpoint endpoint(location_.host);
      ends_ = location_.text;
      if (const auto code = connect_to(endpoint)) error = "dial unixgram: connect: " + base::errno_text(code.value());
      co_return;
    }
    error = missing_port(location_, "udp");
    if (!error.empty()) co_return;
    const auto addresses = co_await net::resolve(loop_, location_.host);
    if (!addresses) {
      error = "dial udp: " + addresses.error();
      co_return;
    }
    const auto port = static_cast<std::uint16_t>(std::strtoul(location_.port.c_str(), nullptr, 10));
    base::ErrorCode code = boost::asio::error::address_family_not_supported;
    for (const auto& address : *addresses) {
      const boost::asio::ip::udp::endpoint endpoint(address, port);
      code = connect_to(endpoint);
      if (!code) {
        ends_ = "udp " + local_text() + "->" + net::join_host_port(address.to_string(), location_.port);
        co_return;
      }
    }
    error = "dial udp: " + base::errno_text(code.value());
  }

  template <typename Endpoint>
  base::ErrorCode connect_to(const Endpoint& endpoint) {
    base::ErrorCode code;
    base::ErrorCode ignored;
    socket_.close(ignored);
    socket_.open(Protocol(endpoint.protocol()), code);
    if (!code) socket_.connect(Protocol::endpoint(endpoint), code);
    if (code) socket_.close(ignored);
    return code;
  }

  std::string local_text() const {
    base::ErrorCode ignored;
    const Protocol::endpoint local = socket_.local_endpoint(ignored);
    boost::asio::ip::udp::endpoint endpoint;
    if (local.size() > endpoint.capacity()) return {};
    std::memcpy(endpoint.data(), local.data(), local.size());
    endpoint.resize(local.size());
    return net::join_host_port(endpoint.address().to_string(), std::to_string(endpoint.port()));
  }

  base::Task<void> send_all(std::span<const QueuedEntry> batch, std::size_t& sent, std::string& error) {
    std::string message;
    for (const QueuedEntry& entry : batch) {
      message.clear();
      append_syslog(message, entry, host_name_, is_unix() ? std::string::npos : datagram_message_limit);
      base::ErrorCode code;
      co_await socket_.async_send(boost::asio::buffer(message), boost::asio::redirect_error(boost::asio::use_awaitable, code));
      if (code) {
        error = "write: " + base::errno_text(code.value());
        co_return;
      }
      ++sent;
    }
  }

  base::IoContext& loop_;
  SyslogLocation location_;
  std::string host_name_;
  Protocol::socket socket_;
  std::string ends_;  ///< how messages name the connection
};

}  // namespace

std::expected<std::unique_ptr<Sender>, std::string> make_syslog_sender(base::IoContext& loop, const layers::LogTarget& target) {
  auto parsed = parse_syslog_location(target.location);
  if (!parsed) return std::unexpected(parsed.error());
  using Transport = SyslogLocation::Transport;
  if (parsed->transport == Transport::udp || parsed->transport == Transport::unix_socket)
    return std::make_unique<DatagramSyslogSender>(loop, std::move(*parsed));
  return std::make_unique<StreamSyslogSender>(loop, std::move(*parsed), tls_options(target));
}

}  // namespace cobble::logs::forwarding
