#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "daemon/api/handlers.h"
#include "daemon/api/until_gone.h"
#include "daemon/base/json.h"
#include "daemon/base/log.h"
#include "daemon/checks/manager.h"
#include "daemon/state/engine.h"
#include "layers/quote.h"

namespace cobble::api {

namespace {

constexpr std::string_view undecodable = "cannot decode data from request body: ";

void write_info(base::JsonWriter& json, const checks::CheckInfo& info) {
  json.begin_object();
  json.field("name", info.name);
  if (!info.level.empty()) json.field("level", info.level);
  json.field("startup", info.startup);
  json.field("status", checks::status_text(info.status));
  json.field("successes", info.successes);
  if (info.failures != 0) json.field("failures", info.failures);
  json.field("threshold", info.threshold);
  if (!info.change_id.empty()) json.field("change-id", info.change_id);
  if (!info.prev_change_id.empty()) json.field("prev-change-id", info.prev_change_id);
  if (info.last_run) {
    json.key("details");
    json.begin_object();
    json.field("last-run", base::format_utc(*info.last_run));
    json.field("last-duration-ms", std::chrono::duration_cast<std::chrono::milliseconds>(info.last_duration).count());
    if (!info.last_error.empty()) json.field("last-error", info.last_error);
    json.end_object();
  }
  json.end_object();
}

/// Runs the check and keeps the answer: what `until_gone` can wait for.
Task<bool> refresh_into(checks::Manager& manager, std::string name, Result<checks::RefreshAnswer>& answer) {
  answer = co_await manager.refresh(std::move(name));
  co_return true;
}

/// The changes that drive some checks now.
std::vector<std::string> driving_changes(const checks::Manager& manager, const std::vector<std::string>& names) {
  std::vector<std::string> changes;
  for (const checks::CheckInfo& info : manager.infos())
    if (!info.change_id.empty() && std::find(names.begin(), names.end(), info.name) != names.end())
      changes.push_back(info.change_id);
  return changes;
}

/// Lets stopped checks' changes end, which takes no longer than a few turns of the loop, and puts all on disk.
Task<void> settle(state::Engine& engine, std::vector<std::string> changes) {
  static constexpr auto limit = std::chrono::milliseconds(200);
  const base::SteadyTime deadline = std::chrono::steady_clock::now() + limit;
  for (const std::string& change : changes) co_await engine.wait_ready(change, deadline);
  co_await engine.durable();
}

}  // namespace

Task<Response> get_checks(Context& context, Request& request) {
  const std::string_view level = request.query.get("level");
  if (!level.empty() && level != "alive" && level != "ready")
    co_return error_response({400, "level must be \"alive\" or \"ready\"", {}});
  const auto names = request.query.list("names");
  base::JsonWriter json;
  json.begin_array();
  for (const checks::CheckInfo& info : context.checks.infos()) {
    if (!level.empty() && info.level != level) continue;
    if (!names.empty() && std::find(names.begin(), names.end(), info.name) == names.end()) continue;
    write_info(json, info);
  }
  json.end_array();
  co_return sync_response(json.take());
}

Task<Response> post_checks(Context& context, Request& request) {
  const auto body = co_await request.body->read_all();
  if (!body) co_return error_response(body.error());
  const auto value = base::parse_json(*body);
  if (!value) co_return error_response({400, std::string(undecodable) + value.error(), {}});
  std::string action;
  std::vector<std::string> names;
  base::JsonFields fields(*value);
  fields.read("action", action);
  fields.read("checks", names);
  if (fields.error()) co_return error_response({400, std::string(undecodable) + *fields.error(), {}});
  if (names.empty()) co_return error_response({400, "must specify checks for " + action + " action", {}});
  if (action != "start" && action != "stop") co_return error_response({400, "invalid action " + layers::quote(action), {}});
  if (action == "stop") {
    for (const std::string& name : names)
      base::log_security("WARN", "sys_monitor_disabled:" + request.user.text() + "," + name, "Stopping check " + name);
  }
  auto ending = action == "stop" ? driving_changes(context.checks, names) : std::vector<std::string>();
  const auto changed = action == "start" ? context.checks.start(names) : context.checks.stop(names);
  if (!changed) co_return error_response(changed.error());
  co_await settle(context.engine, std::move(ending));
  base::JsonWriter json;
  json.begin_object();
  json.key("changed");
  json.begin_array();
  for (const std::string& name : *changed) json.value(name);
  json.end_array();
  json.end_object();
  co_return sync_response(json.take());
}

Task<Response> post_checks_refresh(Context& context, Request& request) {
  const auto body = co_await request.body->read_all();
  if (!body) co_return error_response(body.error());
  const auto value = base::parse_json(*body);
  if (!value) co_return error_response({400, std::string(undecodable) + value.error(), {}});
  std::string name;
  base::JsonFields fields(*value);
  fields.read("name", name);
  if (fields.error()) co_return error_response({400, std::string(undecodable) + *fields.error(), {}});
  if (name.empty()) co_return error_response({400, "must specify check name", {}});
  Result<checks::RefreshAnswer> answer;
  if (!co_await until_gone(request, refresh_into(context.checks, name, answer)))
    co_return error_response({400, "request canceled", {}});
  if (!answer) co_return error_response(answer.error());
  base::JsonWriter json;
  json.begin_object();
  json.key("info");
  write_info(json, answer->info);
  if (!answer->error.empty()) json.field("error", answer->error);
  json.end_object();
  co_return sync_response(json.take());
}

}  // namespace cobble::api
