#pragma once

#include <list>
#include <memory>
#include <string>

#include "daemon/api/request_parser.h"
#include "daemon/api/router.h"
#include "daemon/api/server.h"

namespace cobble::api {

class RequestBody;

/// One HTTP connection: reads requests, finds their route, answers, keeps the connection while both sides want it.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Server& server, std::unique_ptr<base::Stream> stream, Peer peer);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Serves until the connection ends or is handed over.
  Task<void> serve();

  /// Closes when idle; else ends after the request in progress. A streamed response ends now.
  void finish();
  /// Cuts it.
  void abort();
  /// Cuts it when it overstayed a limit.
  void check_deadline(base::SteadyTime now);
  bool ending() const { return ending_; }
  /// Who gets the streamed response that is being sent; null when there is none.
  const access::RequestUser* streaming_to() const { return streaming_to_; }

 private:
  static constexpr std::size_t read_step = 16 * 1024;

  friend class RequestBody;
  friend class ResponseBody;

  const ServerLimits& limits() const { return server_.limits_; }
  /// Why the next step ends by itself at some time; `none` while a handler works.
  void set_deadline(base::Nanoseconds limit) { deadline_ = std::chrono::steady_clock::now() + limit; }
  void clear_deadline() { deadline_ = base::SteadyTime::max(); }

  /// Reads at most `step` bytes to the end of the buffer; false at the end of the stream.
  Task<bool> read_more(std::size_t step = read_step);
  /// Gives the buffer's memory back.
  void release_buffer();
  Task<bool> read_head(std::size_t& head_size);
  Task<bool> serve_one();
  Task<void> refuse(ProtocolError error);
  Task<void> linger();
  Task<void> await_log(std::uint64_t position);
  Task<bool> send(const Request& request, Response& response, bool& keep_alive, bool http_10);
  Task<bool> send_stream(const Request& request, Response& response, bool chunked);
  Task<void> hand_over(Response& response);
  void add_latest_warning(std::string& body) const;
  void watch_for_hang_up();
  void stop_watching();
  static Task<void> watch(std::shared_ptr<Connection> self);

  Server& server_;
  std::unique_ptr<base::Stream> stream_;
  Peer peer_;
  std::list<Connection*>::iterator place_;
  std::string buffer_;  ///< bytes read and not used yet
  std::string head_;    ///< reused for response heads
  base::Event client_gone_;
  base::Timer watch_timer_;
  std::function<void()> stop_watch_;
  base::SteadyTime deadline_ = base::SteadyTime::max();
  const access::RequestUser* streaming_to_ = nullptr;
  bool idle_ = true;
  bool ending_ = false;
  bool failed_ = false;
  bool gone_ = false;  ///< the client hung up while a handler worked
};

}  // namespace cobble::api
