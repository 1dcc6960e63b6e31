#include <memory>

#include "daemon/access/manager.h"
#include "daemon/api/handlers.h"
#include "daemon/api/until_gone.h"
#include "daemon/base/log.h"
#include "daemon/exec/handshake.h"
#include "daemon/exec/manager.h"
#include "daemon/exec/request.h"
#include "daemon/state/engine.h"
#include "layers/quote.h"

namespace cobble::api {

namespace {

/// A channel reserved for a client whose handshake isn't through; given back when that fails.
class Reservation {
 public:
  Reservation(std::shared_ptr<exec::Session> session, std::string name, std::function<bool()> still_allowed)
      : session_(std::move(session)), name_(std::move(name)), still_allowed_(std::move(still_allowed)) {}
  ~Reservation() { session_->unclaim(name_); }
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;

  void use(std::unique_ptr<base::Stream> stream, std::string early) {
    session_->attach(name_, std::move(stream), std::move(early), std::move(still_allowed_));
  }

 private:
  std::shared_ptr<exec::Session> session_;
  std::string name_;
  std::function<bool()> still_allowed_;
};

Task<void> connect(std::shared_ptr<Reservation> reservation, std::unique_ptr<base::Stream> stream, std::string early) {
  reservation->use(std::move(stream), std::move(early));
  co_return;
}

Response switch_protocols(std::string accept, std::shared_ptr<Reservation> reservation) {
  Response response;
  response.headers = {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Accept", std::move(accept)}};
  response.upgrade = [reservation](std::unique_ptr<base::Stream> stream, std::string early) {
    return connect(reservation, std::move(stream), std::move(early));
  };
  return response;
}

Response bad_handshake(std::string reason) {
  Response response = error_response({400, "Bad Request: " + std::move(reason), {}});
  response.headers.emplace_back("Sec-Websocket-Version", "13");
  return response;
}

/// What a client is told that comes when the exec is over.
Task<Response> answer_for_finished(Context& context, Request& request, std::string change_id) {
  if (!co_await until_gone(request, context.engine.wait_ready(change_id, std::nullopt)))
    co_return error_response({500, "request cancelled", {}});
  const auto* change = context.engine.find_change(change_id);
  const std::string error = change == nullptr ? std::string() : context.engine.change_error(*change);
  if (!error.empty()) co_return error_response({500, error, {}});
  Response empty;
  empty.content_type.clear();
  co_return empty;
}

}  // namespace

Task<Response> post_exec(Context& context, Request& request) {
  const auto body = co_await request.body->read_all();
  if (!body) co_return error_response(body.error());
  const auto parsed = exec::parse_request(*body);
  if (!parsed) co_return error_response(parsed.error());
  auto command = context.exec.resolve(*parsed);
  if (!command) co_return error_response(command.error());

  base::JsonWriter result;
  result.begin_object();
  result.field("environment", command->environment);
  const std::string working_dir = command->working_dir;
  base::log_security("WARN", "authz_admin:" + request.user.text() + ",exec", "Executing command " + parsed->command.front());
  const auto started = context.exec.start(std::move(*command));
  result.field("task-id", started.task_id);
  result.field("working-dir", working_dir);
  result.end_object();
  co_return async_response(started.change_id, result.take());
}

Task<Response> get_task_websocket(Context& context, Request& request) {
  const std::string id = request.params[0];
  const std::string name = request.params[1];
  const auto* task = context.engine.find_task(id);
  if (task == nullptr) {
    const std::string text = "cannot find task " + layers::quote(id);
    base::log("Websocket: " + text);
    co_return error_response({404, text, {}});
  }
  if (task->kind != "exec") {
    const std::string text = layers::quote(task->kind) + " tasks do not have websockets";
    base::log("Websocket " + id + ": " + text);
    co_return error_response({400, text, {}});
  }
  auto session = context.exec.find(id);
  if (!session) co_return co_await answer_for_finished(context, request, task->change);
  if (!session->has(name)) {
    base::log("Websocket " + id + ": cannot find " + name + " websocket");
    co_return error_response({404, "cannot find " + name + " websocket for task " + layers::quote(id), {}});
  }
  auto accept = exec::accept_handshake(request.headers);
  if (!accept) co_return bad_handshake(std::move(accept.error()));
  if (!session->claim(name)) co_return error_response({500, name + " websocket already connected", {}});
  auto still_allowed = [&access = context.access, user = request.user] { return access.still_holds(user); };
  co_return switch_protocols(std::move(*accept),
                             std::make_shared<Reservation>(std::move(session), name, std::move(still_allowed)));
}

}  // namespace cobble::api
