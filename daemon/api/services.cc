#include <nlohmann/json.hpp>

#include "daemon/api/handlers.h"
#include "daemon/base/blocking.h"
#include "daemon/base/json.h"
#include "daemon/base/json_writer.h"
#include "daemon/checks/manager.h"
#include "daemon/logs/manager.h"
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

/// What the reference doesn't tell stands under one key of its own.
void write_details(base::JsonWriter& json, const services::ServiceInfo& info, const logs::ServiceLog* log,
                   const process::Usage* usage) {
  json.key("details");
  json.begin_object();
  if (info.pid != 0) json.field("pid", info.pid);
  if (info.last_exit_code) json.field("last-exit-code", *info.last_exit_code);
  json.field("restarts", info.restarts);
  if (info.next_restart) json.field("next-restart", base::format_local(*info.next_restart));
  if (!info.last_error.empty()) json.field("last-error", info.last_error);
  if (log != nullptr) {
    json.field("log-lines-overwritten", log->buffer().overwritten());
    json.field("log-entries-lost", log->lost());
  }
  if (usage) {
    json.field("cpu-ms", static_cast<std::int64_t>(usage->cpu_seconds * 1000));
    json.field("memory-bytes", usage->resident_bytes);
    json.field("open-fds", usage->open_fds);
  }
  json.end_object();
}

}  // namespace

/// With `?usage=true` the details also tell what each main process uses.
Task<Response> get_services(Context& context, Request& request) {
  const auto infos = context.services.list(request.query.list("names"));
  std::map<std::string, process::Usage> usages;
  if (request.query.get("usage") == "true")
    usages = co_await base::blocking([processes = services::processes_of(infos)] { return process::usages_of(processes); });
  base::JsonWriter json;
  json.begin_array();
  for (const auto& info : infos) {
    json.begin_object();
    json.field("name", info.name);
    json.field("startup", info.enabled ? "enabled" : "disabled");
    json.field("current", services::current_word(info.current));
    if (info.current_since) json.field("current-since", base::format_local(*info.current_since));
    const auto usage = usages.find(info.name);
    if (info.known) write_details(json, info, context.logs.find(info.name), usage == usages.end() ? nullptr : &usage->second);
    json.end_object();
  }
  json.end_array();
  co_return sync_response(json.take());
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
