#include <algorithm>
#include <nlohmann/json.hpp>

#include "daemon/api/handlers.h"
#include "daemon/api/until_gone.h"
#include "daemon/base/json.h"
#include "daemon/state/engine.h"
#include "daemon/state/render.h"
#include "layers/duration.h"
#include "layers/quote.h"

namespace cobble::api {

namespace {

using state::ChangeRecord;

base::Error no_such_change(const std::string& id) {
  return {404, "cannot find change with id " + layers::quote(id), {}};
}

/// Whether the change's recorded list of requested services has exactly this name.
bool names_service(const ChangeRecord& change, std::string_view name) {
  const auto found = change.data.find("service-names");
  if (found == change.data.end()) return false;
  const auto names = base::parse_json(found->second);
  return names && names->is_array() &&
         std::ranges::any_of(*names, [&](const auto& item) { return item.is_string() && item == name; });
}

bool is_selected(const state::Engine& engine, const ChangeRecord& change, std::string_view select) {
  return select == "all" || state::is_ready(engine.change_status(change)) == (select == "ready");
}

}  // namespace

Task<Response> get_changes(Context& context, Request& request) {
  std::string_view select = request.query.get("select");
  if (select.empty()) select = "in-progress";
  if (select != "all" && select != "in-progress" && select != "ready") {
    co_return error_response({400, "select should be one of: all,in-progress,ready", {}});
  }
  const std::string_view service = request.query.get("for");
  base::JsonWriter writer;
  writer.begin_array();
  for (const ChangeRecord* change : context.engine.changes()) {
    if (!is_selected(context.engine, *change, select)) continue;
    if (!service.empty() && !names_service(*change, service)) continue;
    writer.raw(state::change_json(context.engine, *change));
  }
  writer.end_array();
  co_return sync_response(writer.take());
}

Task<Response> get_change(Context& context, Request& request) {
  const ChangeRecord* change = context.engine.find_change(request.params[0]);
  if (change == nullptr) co_return error_response(no_such_change(request.params[0]));
  co_return sync_response(state::change_json(context.engine, *change));
}

Task<Response> post_change(Context& context, Request& request) {
  const std::string& id = request.params[0];
  if (context.engine.find_change(id) == nullptr) co_return error_response(no_such_change(id));
  const auto body = co_await request.body->read_all();
  if (!body) co_return error_response(body.error());
  const auto value = base::parse_json(*body);
  if (!value) co_return error_response({400, "cannot decode data from request body: " + value.error(), {}});
  std::string action;
  base::JsonFields fields(*value);
  fields.read("action", action);
  if (fields.error()) co_return error_response({400, "cannot decode data from request body: " + *fields.error(), {}});
  if (action != "abort") co_return error_response({400, "invalid action " + layers::quote(action), {}});
  if (context.engine.find_change(id) == nullptr) co_return error_response(no_such_change(id));
  if (const auto aborted = context.engine.abort_change(id); !aborted) co_return error_response({400, aborted.error(), {}});
  // As it is right after being flagged: what runs has not answered yet.
  std::string flagged = state::change_json(context.engine, *context.engine.find_change(id));
  co_await context.engine.durable();
  co_return sync_response(std::move(flagged));
}

Task<Response> get_change_wait(Context& context, Request& request) {
  const std::string id = request.params[0];
  if (context.engine.find_change(id) == nullptr) co_return error_response(no_such_change(id));
  std::optional<base::SteadyTime> deadline;
  base::Nanoseconds timeout{};
  if (const std::string_view text = request.query.get("timeout"); !text.empty()) {
    const auto parsed = layers::parse_duration(text);
    if (!parsed) co_return error_response({400, "invalid timeout: " + parsed.error(), {}});
    timeout = *parsed;
    if (timeout != base::Nanoseconds(0)) deadline = deadline_after(timeout);
  }
  const auto ready = co_await until_gone(request, context.engine.wait_ready(id, deadline));
  if (!ready) co_return error_response({500, "request cancelled", {}});
  const ChangeRecord* change = context.engine.find_change(id);
  if (change == nullptr) co_return error_response(no_such_change(id));
  if (!*ready) co_return error_response({504, "timed out waiting for change after " + layers::format_duration(timeout), {}});
  co_return sync_response(state::change_json(context.engine, *change));
}

}  // namespace cobble::api
