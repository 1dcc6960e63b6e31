#pragma once

#include "daemon/api/context.h"
#include "daemon/api/http.h"

/// Every handler of the table of routes (api/routes.cc); each stands in the file named after its resource.
namespace cobble::api {

// system_info.cc: contract 03, section 3
Task<Response> get_system_info(Context& context, Request& request);

// layers.cc: contract 01, sections 2.4 and 2.5
Task<Response> post_layers(Context& context, Request& request);
Task<Response> get_plan(Context& context, Request& request);

// changes.cc: contract 03, section 4
Task<Response> get_changes(Context& context, Request& request);
Task<Response> get_change(Context& context, Request& request);
Task<Response> post_change(Context& context, Request& request);
Task<Response> get_change_wait(Context& context, Request& request);

// notices.cc: contract 03, section 7
Task<Response> get_notices(Context& context, Request& request);
Task<Response> post_notices(Context& context, Request& request);
Task<Response> get_notice(Context& context, Request& request);

// services.cc: contract 02, sections 2.1 to 2.3
Task<Response> get_services(Context& context, Request& request);
Task<Response> post_services(Context& context, Request& request);
/// Tells what a replan would do now, without doing it: an addition to the reference's API.
Task<Response> get_replan(Context& context, Request& request);
Task<Response> get_service(Context& context, Request& request);
Task<Response> post_service(Context& context, Request& request);

// signals.cc: contract 02, section 2.7
Task<Response> post_signals(Context& context, Request& request);

// logs.cc: contract 07
Task<Response> get_logs(Context& context, Request& request);

// log_targets.cc
/// How each log target of the plan is doing, what it missed included: an addition to the reference's API. For admins: errors name
/// locations.
Task<Response> get_log_targets(Context& context, Request& request);

// files.cc: contract 04
Task<Response> get_files(Context& context, Request& request);
Task<Response> post_files(Context& context, Request& request);

// exec.cc: contract 05; contract 03, section 4.5
Task<Response> post_exec(Context& context, Request& request);
Task<Response> get_task_websocket(Context& context, Request& request);

// health.cc, checks.cc, metrics.cc: contract 06
Task<Response> get_health(Context& context, Request& request);
Task<Response> get_checks(Context& context, Request& request);
Task<Response> post_checks(Context& context, Request& request);
Task<Response> post_checks_refresh(Context& context, Request& request);
Task<Response> get_metrics(Context& context, Request& request);

// identities.cc, pairing.cc: contract 08
Task<Response> get_identities(Context& context, Request& request);
Task<Response> post_identities(Context& context, Request& request);
Task<Response> post_pairing(Context& context, Request& request);
/// Tells the plan's pairing mode and whether the window is open: an addition to the reference's API.
Task<Response> get_pairing_window(Context& context, Request& request);
/// Opens the pairing window for a while, or closes it: `{"action": "open", "duration": "5m", "mode": "single"}` (the last two may
/// be missing), `{"action": "close"}`.
Task<Response> post_pairing_window(Context& context, Request& request);

}  // namespace cobble::api
