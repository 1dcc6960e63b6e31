#include "daemon/api/handlers.h"
#include "daemon/base/json_writer.h"
#include "daemon/logs/forwarding/forwarder.h"

namespace cobble::api {

namespace {

/// `unknown` before the first request.
std::string_view state_word(const std::optional<bool>& up) {
  if (!up) return "unknown";
  return *up ? "up" : "down";
}

}  // namespace

Task<Response> get_log_targets(Context& context, Request&) {
  base::JsonWriter json;
  json.begin_array();
  for (const auto& target : context.forwarder.statuses()) {
    json.begin_object();
    json.field("name", target.name);
    json.field("status", state_word(target.up));
    json.field("entries-sent", target.sent);
    json.field("entries-dropped", target.dropped);
    json.field("queued-entries", target.queued);
    json.field("queued-bytes", target.queued_bytes);
    if (!target.last_error.empty()) json.field("last-error", target.last_error);
    json.end_object();
  }
  json.end_array();
  co_return sync_response(json.take());
}

}  // namespace cobble::api
