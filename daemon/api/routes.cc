#include "daemon/api/routes.h"

#include <array>
#include <cstdint>
#include <limits>

#include "daemon/api/handlers.h"

namespace cobble::api {

namespace {

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;
constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max() / 2;  // streamed, never held in memory

constexpr std::array table{
    Route{"GET", "/v1/system-info", Access::open, 0, get_system_info},
    Route{"GET", "/v1/health", Access::open, 0, get_health},
    Route{"GET", "/v1/changes", Access::user, 0, get_changes},
    Route{"GET", "/v1/changes/{id}", Access::user, 0, get_change},
    Route{"POST", "/v1/changes/{id}", Access::admin, mib, post_change},
    Route{"GET", "/v1/changes/{id}/wait", Access::user, 0, get_change_wait},
    Route{"GET", "/v1/services", Access::user, 0, get_services},
    Route{"POST", "/v1/services", Access::admin, 16 * mib, post_services},
    Route{"GET", "/v1/services/{name}", Access::user, 0, get_service},
    Route{"POST", "/v1/services/{name}", Access::admin, 0, post_service},
    Route{"GET", "/v1/replan", Access::user, 0, get_replan},
    Route{"GET", "/v1/plan", Access::admin, 0, get_plan},
    Route{"POST", "/v1/layers", Access::admin, 64 * mib, post_layers},
    Route{"GET", "/v1/files", Access::admin, 0, get_files},
    Route{"POST", "/v1/files", Access::admin, unlimited, post_files},
    Route{"GET", "/v1/logs", Access::user, 0, get_logs},
    Route{"GET", "/v1/log-targets", Access::admin, 0, get_log_targets},
    Route{"POST", "/v1/exec", Access::admin, 16 * mib, post_exec},
    Route{"GET", "/v1/tasks/{task-id}/websocket/{websocket-id}", Access::admin, 0, get_task_websocket},
    Route{"POST", "/v1/signals", Access::admin, mib, post_signals},
    Route{"GET", "/v1/checks", Access::user, 0, get_checks},
    Route{"POST", "/v1/checks", Access::admin, mib, post_checks},
    Route{"POST", "/v1/checks/refresh", Access::admin, mib, post_checks_refresh},
    Route{"GET", "/v1/notices", Access::user, 0, get_notices},
    Route{"POST", "/v1/notices", Access::user, 32 * mib, post_notices},
    Route{"GET", "/v1/notices/{id}", Access::user, 0, get_notice},
    Route{"GET", "/v1/identities", Access::user, 0, get_identities},
    Route{"POST", "/v1/identities", Access::admin, 16 * mib, post_identities},
    Route{"POST", "/v1/pairing", Access::pairing, 64 * kib, post_pairing},
    Route{"GET", "/v1/pairing/window", Access::user, 0, get_pairing_window},
    Route{"POST", "/v1/pairing/window", Access::admin, 64 * kib, post_pairing_window},
    Route{"GET", "/v1/metrics", Access::metrics, 0, get_metrics},
};

}  // namespace

std::span<const Route> routes() {
  return table;
}

}  // namespace cobble::api
