#include <unistd.h>

#include <array>

#include "daemon/api/router.h"
#include "daemon/api/server.h"
#include "daemon/api/text.h"
#include "daemon/base/log.h"
#include "layers/duration.h"
#include "layers/quote.h"

// What happens to a request between its connection and its handler.
namespace cobble::api {

namespace {

/// A body that is there already.
class TextBody final : public BodyReader {
 public:
  explicit TextBody(std::string text) : text_(std::move(text)) {}
  Task<Result<std::size_t>> read_some(std::span<char> buffer) override {
    const std::size_t count = text_.copy(buffer.data(), buffer.size(), used_);
    used_ += count;
    co_return count;
  }
  Task<Result<std::string>> read_all() override { co_return text_.substr(std::exchange(used_, text_.size())); }

 private:
  std::string text_;
  std::size_t used_ = 0;
};

}  // namespace

Task<Response> Server::respond(const Peer& peer, const Match& match, Request& request) {
  if (request.method == "OPTIONS" && request.target == "*") {
    Response empty;
    empty.content_type.clear();
    co_return empty;
  }
  if (std::string clean = clean_path(request.path); clean != request.path) {
    Response moved;
    moved.status = 301;
    moved.content_type.clear();
    const std::size_t question = request.target.find('?');
    std::string location = percent_encode_path(clean);
    if (question != std::string::npos) location += request.target.substr(question);
    moved.headers.emplace_back("Location", std::move(location));
    co_return moved;
  }
  if (!match.path_known) co_return error_response({404, "invalid API endpoint requested", {}});
  if (match.route == nullptr) co_return error_response({405, "method " + layers::quote(request.method) + " not allowed", {}});
  try {
    request.user = co_await gatekeeper_.identify(peer, request);
    if (auto allowed = gatekeeper_.authorise(match.route->access, request); !allowed) co_return error_response(allowed.error());
    co_return co_await match.route->handler(context_, request);
  } catch (const std::exception& e) {
    base::log("Internal error in " + request.method + " " + request.path + ": " + e.what());
    co_return error_response({500, "internal error", {}});
  }
}

void Server::log_request(const Peer& peer, const Request& request, int status, base::SteadyTime start) const {
  if (request.method == "GET") {
    if (request.path == "/v1/system-info" || request.path == "/v1/health") return;
    constexpr std::string_view changes = "/v1/changes/";
    if (request.path.starts_with(changes) && request.path.size() > changes.size() &&
        request.path.find('/', changes.size()) == std::string::npos)
      return;
  }
  const auto taken = std::chrono::duration_cast<base::Nanoseconds>(std::chrono::steady_clock::now() - start);
  std::string line;
  if (!peer.address.empty()) line.append(peer.address).append(" ");
  line.append(request.method).append(" ").append(request.target).append(" ").append(layers::format_duration(taken)).append(" ");
  line.append(std::to_string(status));
  static constexpr std::array transports{" (http+unix)", " (http)", " (https)"};
  line += transports[static_cast<std::size_t>(peer.transport)];
  if (peer.transport == Transport::unix_socket && base::log_debug_enabled()) {
    base::log_debug("pid=" + std::to_string(peer.pid.value_or(0)) + ";uid=" + std::to_string(peer.uid.value_or(0)) +
                    ";socket=" + socket_path_ + "; " + line);
  }
  base::log(line);
}

Task<Response> Server::call(std::string method, std::string target, std::string body) {
  const base::SteadyTime start = std::chrono::steady_clock::now();
  Peer self;
  self.uid = ::geteuid();
  self.pid = ::getpid();
  TextBody text(std::move(body));
  base::Event never(loop_);
  Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  const std::size_t question = request.target.find('?');
  request.path = request.target.substr(0, question);
  if (question != std::string::npos) request.query = Query(std::string_view(request.target).substr(question + 1));
  request.body = &text;
  request.client_gone = &never;
  const Match match = find_route(routes_, request.method, request.path, request.params);
  Response response = co_await respond(self, match, request);
  log_request(self, request, response.status, start);
  co_return response;
}

}  // namespace cobble::api
