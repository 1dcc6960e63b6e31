#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <expected>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/api/http.h"
#include "daemon/api/router.h"
#include "daemon/base/loop.h"
#include "daemon/base/stream.h"

namespace cobble::api {

class Connection;

/// Who is at the other end of a connection, before a request says more.
struct Peer {
  Transport transport = Transport::unix_socket;
  std::optional<std::uint32_t> uid;  ///< unix socket: peer credentials
  std::optional<pid_t> pid;
  std::string address;          ///< TCP: `ip:port`, as log lines name it
  std::string certificate_der;  ///< HTTPS: the client's one certificate
};

/// How the server finds out who sends a request and what that user may do (the access room; wired by the composition root).
struct Gatekeeper {
  std::function<Task<access::RequestUser>(const Peer& peer, const Request& request)> identify;
  /// Success, or the 401; writes the security log line of a refusal.
  std::function<Result<void>(Access access, const Request& request)> authorise;
  /// The TLS handshake of an accepted HTTPS connection; nullptr when it failed.
  std::function<Task<std::unique_ptr<base::Stream>>(base::Socket socket, Peer& peer)> accept_tls;
};

/// Limits that keep one client's trouble its own (contract 03 section 14).
struct ServerLimits {
  base::Nanoseconds head = std::chrono::seconds(60);   ///< from a request's first byte to the end of its head
  base::Nanoseconds idle = std::chrono::minutes(10);   ///< between requests
  base::Nanoseconds body = std::chrono::seconds(120);  ///< without a byte of an awaited body
  base::Nanoseconds write = std::chrono::seconds(60);  ///< without a byte taken
  std::size_t unix_connections = 12'000;
  std::size_t tcp_connections = 2'000;  ///< for each TCP listener
};

/// Serves the table of routes on any number of listeners. Everything on the loop's thread.
class Server {
 public:
  Server(base::IoContext& loop, Context& context, std::span<const Route> routes, Gatekeeper gatekeeper, ServerLimits limits = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Makes the unix socket (mode 0666), replacing a stale one. Connections wait until `serve`. The error is contract 09
  /// section 3.3's text.
  std::expected<void, std::string> listen_unix(const std::string& path);
  /// Listens on `host:port`; `tls` for --https. Returns the address with the port that a port 0 has become.
  std::expected<std::string, std::string> listen_tcp(const std::string& address, bool tls);
  /// The newest warning's time for the envelope (contract 03 2.7); empty text: none.
  void set_latest_warning(std::function<std::string()> latest) { latest_warning_ = std::move(latest); }
  /// Begins to accept on all listeners.
  void serve();
  /// Stops accepting, removes the socket file, closes idle connections, wakes long polls; then waits for open requests, at most
  /// `limit`, and cuts the rest.
  Task<void> stop(base::Nanoseconds limit);
  /// Cuts the connections whose streamed response goes to a user for whom `unwanted` says yes (identities have changed).
  void end_streams(const std::function<bool(const access::RequestUser&)>& unwanted);
  /// The daemon's own request to itself, judged and logged as if it came over the socket (autostart, seeding; contract 09
  /// section 3.1).
  Task<Response> call(std::string method, std::string target, std::string body);
  /// Requests handled so far.
  std::uint64_t requests() const { return requests_; }

 private:
  friend class Connection;
  struct Listener;

  Task<Response> respond(const Peer& peer, const Match& match, Request& request);
  void log_request(const Peer& peer, const Request& request, int status, base::SteadyTime start) const;
  Task<void> accept_loop(std::shared_ptr<Listener> listener);
  bool accept_batch(const std::shared_ptr<Listener>& listener);
  /// Answers a new connection that there is no room for.
  void turn_away(int fd, Transport transport);
  Task<void> run_connection(std::shared_ptr<Listener> listener, base::Socket socket, Peer peer);
  void sweep();
  /// Gives memory back to the system when a crowd of clients has gone.
  void clean_up_after_crowd();

  base::IoContext& loop_;
  Context& context_;
  std::span<const Route> routes_;
  Gatekeeper gatekeeper_;
  ServerLimits limits_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::list<Connection*> connections_;
  std::size_t crowd_ = 0;        ///< most connections at a time since memory was given back
  std::size_t turned_away_ = 0;  ///< and not logged yet
  base::SteadyTime next_turned_away_line_{};
  base::Timer sweeper_;
  bool sweeping_ = false;
  bool stopping_ = false;
  base::Event drained_;
  std::uint64_t requests_ = 0;
  std::string socket_path_;
  std::function<std::string()> latest_warning_;
};

}  // namespace cobble::api
