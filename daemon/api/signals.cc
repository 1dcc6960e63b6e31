#include <nlohmann/json.hpp>

#include "daemon/api/handlers.h"
#include "daemon/base/json.h"
#include "daemon/services/manager.h"

namespace cobble::api {

Task<Response> post_signals(Context& context, Request& request) {
  const auto body = co_await request.body->read_all();
  if (!body) co_return error_response(body.error());
  const auto json = base::parse_json(*body);
  if (!json) co_return error_response({.status = 400, .message = "cannot decode request body: " + json.error(), .kind = {}});
  std::string signal;
  std::vector<std::string> names;
  base::JsonFields fields(*json);
  fields.read("signal", signal);
  fields.read("services", names);
  if (fields.error())
    co_return error_response({.status = 400, .message = "cannot decode request body: " + *fields.error(), .kind = {}});
  if (names.empty()) co_return error_response({.status = 400, .message = "must specify one or more services", .kind = {}});
  if (const auto sent = context.services.signal(signal, names); !sent) co_return error_response(sent.error());
  co_return sync_response("true");
}

}  // namespace cobble::api
