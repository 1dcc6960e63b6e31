#include <nlohmann/json.hpp>

#include "daemon/api/handlers.h"
#include "daemon/api/services_listing.h"
#include "daemon/base/blocking.h"
#include "daemon/base/json.h"
#include "daemon/base/json_writer.h"
#include "daemon/checks/manager.h"
#include "daemon/process/usage.h"
#include "daemon/services/manager.h"
#include "daemon/state/engine.h"

namespace cobble::api {

namespace {

struct ServicesRequest {
  std::string action;
  std::vector<std::string> services;
};

base::Result<ServicesRequest> decode(std::string_view body) {
  const std::string prefix = "cannot decode data from request body: ";
  const auto json = base::parse_json(body);
  if (!json) return base::bad_request(prefix + json.error());
  ServicesRequest request;
  base::JsonFields fields(*json);
  fields.read("action", request.action);
  fields.read("services", request.services);
  if (fields.error()) return base::bad_request(prefix + *fields.error());
  return request;
}

}  // namespace

/// With `?usage=true` the details also tell what each main process uses.
Task<Response> get_services(Context& context, Request& request) {
  const auto names = request.query.list("names");
  auto infos = context.services.list(names);
  if (request.query.get("usage") == "true") {
    const auto usages =
        co_await base::blocking([processes = services::processes_of(infos)] { return process::usages_of(processes); });
    co_return sync_response(services_json(infos, usages));
  }
  if (!names.empty()) co_return sync_response(services_json(infos));
  co_return sync_response(context.services_listing.of(std::move(infos)));
}

Task<Response> post_services(Context& context, Request& request) {
  const auto body = co_await request.body->read_all();
  if (!body) co_return error_response(body.error());
  const auto wanted = decode(*body);
  if (!wanted) co_return error_response(wanted.error());
  if (wanted->action == "replan" && wanted->services.empty()) context.checks.replan();
  const auto change = context.services.act(wanted->action, wanted->services);
  if (!change) co_return error_response(change.error());
  co_await context.engine.durable();
  co_return async_response(*change);
}

/// `{"services": [{"name", "action", "reason", "keys"?, "services"?}], "checks": [{"name", "action"}]}`, each by name.
Task<Response> get_replan(Context& context, Request&) {
  const auto steps = context.services.preview_replan();
  if (!steps) co_return error_response(steps.error());
  base::JsonWriter json;
  json.begin_object();
  json.key("services");
  json.begin_array();
  for (const auto& step : *steps) {
    json.begin_object();
    json.field("name", step.name);
    json.field("action", services::action_word(step.action));
    json.field("reason", services::reason_word(step.reason));
    if (!step.keys.empty()) json.field("keys", step.keys);
    if (!step.services.empty()) json.field("services", step.services);
    json.end_object();
  }
  json.end_array();
  json.key("checks");
  json.begin_array();
  for (const auto& name : context.checks.preview_replan()) {
    json.begin_object();
    json.field("name", name);
    json.field("action", "start");
    json.end_object();
  }
  json.end_array();
  json.end_object();
  co_return sync_response(json.take());
}

Task<Response> get_service(Context&, Request&) {
  co_return error_response({.status = 400, .message = "not implemented", .kind = {}});
}

Task<Response> post_service(Context&, Request&) {
  co_return error_response({.status = 400, .message = "not implemented", .kind = {}});
}

}  // namespace cobble::api
