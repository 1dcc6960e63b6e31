#include "daemon/checks/probe.h"

#include <utility>

#include "layers/duration.h"

namespace cobble::checks {

std::string_view CheckConfig::type() const {
  return check.http ? "HTTP" : check.tcp ? "TCP" : "exec";
}

CheckConfig resolve_config(const layers::Plan& plan, const layers::Check& check) {
  CheckConfig config{.check = check, .context = {}};
  config.check.override_policy = layers::Override::none;
  if (!check.exec) return config;
  const layers::ExecCheck& exec = *check.exec;
  const auto service = plan.services.find(exec.service_context);
  config.context =
      process::resolve_context(exec.service_context.empty() || service == plan.services.end() ? nullptr : &service->second,
                               {exec.environment, exec.user_id, exec.user, exec.group_id, exec.group, exec.working_dir});
  return config;
}

ProbeError timeout_error(const layers::Check& check) {
  return {"check timed out after " + layers::format_duration(check.effective_timeout()), {}};
}

base::Task<ProbeResult> Prober::run(const CheckConfig& config) {
  if (config.check.http) co_return co_await run_http(config.check);
  if (config.check.tcp) co_return co_await run_tcp(config.check);
  if (config.check.exec) co_return co_await run_exec(config);
  co_return std::unexpected(ProbeError{"check has no type", {}});
}

}  // namespace cobble::checks
