#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/access/user.h"
#include "daemon/base/error.h"
#include "daemon/base/json_writer.h"
#include "daemon/base/loop.h"
#include "daemon/base/stream.h"

/// A request and its answer as handlers see them.
namespace cobble::api {

using base::Result;
using base::Task;

using access::Access;
using access::Transport;

/// Query parameters, decoded as contract 03 section 2.5 says.
class Query {
 public:
  Query() = default;
  explicit Query(std::string_view raw);
  /// The first value; empty when absent.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  /// All values as they were given.
  std::vector<std::string_view> all(std::string_view name) const;
  /// Repeated and comma-separated items, trimmed, empty ones dropped.
  std::vector<std::string> list(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

/// Reads the request's body as it comes (decoded from chunks, bounded by the route's limit).
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  /// Reads some bytes; 0 at the end of the body. Fails when the client is gone, too slow, or sends more than the limit (413).
  virtual Task<Result<std::size_t>> read_some(std::span<char> buffer) = 0;
  /// Reads all of the rest.
  virtual Task<Result<std::string>> read_all() = 0;
};

struct Request {
  std::string method;
  std::string path;    ///< decoded
  std::string target;  ///< as received
  Query query;
  std::vector<std::string> params;  ///< what `{…}` of the route matched, in order
  std::vector<std::pair<std::string, std::string>> headers;
  Transport transport = Transport::unix_socket;
  access::RequestUser user;
  std::string_view certificate_der;  ///< HTTPS: the client's certificate
  BodyReader* body = nullptr;
  /// Notified when the client hangs up while the handler waits (long polls).
  base::Event* client_gone = nullptr;

  /// First value of a header, name in any case; empty when absent.
  std::string_view header(std::string_view name) const;
};

/// Sends a response's body piece by piece, for bodies that are streamed.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  /// False when the client is gone, didn't take bytes for too long, or the daemon ends.
  virtual Task<bool> write(std::string_view bytes) = 0;
  /// Sends the response's head now if it hasn't gone yet.
  virtual Task<bool> flush() = 0;
  /// False when the client hung up or the daemon ends: a body without an end of its own should end then. The request's
  /// `client_gone` is notified when this changes.
  virtual bool wanted() const = 0;
  /// Sends `count` bytes of a file from its current offset without passing them through user space where the transport allows it.
  virtual Task<bool> send_file(int fd, std::uint64_t count) = 0;
};

/// Takes the connection over after the head of a 101 response (websockets).
using UpgradeHandler = std::function<Task<void>(std::unique_ptr<base::Stream> stream, std::string early_bytes)>;

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  /// When set, called to produce the body; sent with `content_length` when known, else chunked (flushed at each write).
  std::function<Task<void>(BodyWriter&)> stream;
  std::optional<std::uint64_t> content_length;
  /// When set, the status is 101, `headers` hold the handshake and the connection is the handler's.
  UpgradeHandler upgrade;
  /// Whether `latest-warning` may be added at the end of the envelope.
  bool envelope = false;
};

/// `OK`, `Bad Request` …
std::string_view status_phrase(int status);

/// Success without a `result` key.
Response sync_response();
/// Success with `result`, JSON text made by a JsonWriter.
Response sync_response(std::string result_json, int status = 200);
/// 202 with the change's id and `result` (JSON text).
Response async_response(std::string_view change_id, std::string result_json = "null");
Response error_response(const base::Error& error);
/// `result.message` of an error response; empty when it isn't one.
std::string error_message(const Response& response);

struct Context;
/// One handler: `Task<Response> get_plan(Context& context, Request& request)`, declared in api/handlers.h, in api/RESOURCE.cc.
using Handler = Task<Response> (*)(Context& context, Request& request);

/// One row of the table of routes. The whole table stands in api/routes.cc.
struct Route {
  std::string_view method;
  std::string_view path;  ///< `{x}` matches one segment
  Access access = Access::admin;
  std::uint64_t body_limit = 0;  ///< bytes; 0: a body is read and thrown away (up to 256 KiB)
  Handler handler = nullptr;
};

}  // namespace cobble::api
