#include "daemon/api/handlers.h"
#include "daemon/checks/manager.h"

namespace cobble::api {

/// Touches nothing but the checks' standing in memory: no wait, no look-up, whatever else is going on.
Task<Response> get_health(Context& context, Request& request) {
  const std::string_view level = request.query.get("level");
  if (!level.empty() && level != "alive" && level != "ready")
    co_return error_response({400, "level must be \"alive\" or \"ready\"", {}});
  const bool healthy = context.checks.healthy(level, request.query.list("names"));
  co_return sync_response(healthy ? R"({"healthy":true})" : R"({"healthy":false})", healthy ? 200 : 502);
}

}  // namespace cobble::api
