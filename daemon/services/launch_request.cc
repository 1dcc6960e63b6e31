#include "daemon/services/launch_request.h"

#include "daemon/base/log.h"
#include "daemon/process/users.h"
#include "layers/command.h"

namespace cobble::services {

namespace {

std::expected<process::Credentials, std::string> credentials_of(const layers::Service& service,
                                                                const layers::Workload* workload) {
  if (workload != nullptr)
    return process::resolve_credentials(workload->user, workload->user_id, workload->group, workload->group_id);
  return process::resolve_credentials(service.user, service.user_id, service.group, service.group_id);
}

/// HOME and USER follow the user, unless the plan gives them a value.
void add_user(layers::StringMap& variables, const process::Credentials& who) {
  if (!who.uid) return;
  if (!who.user) {
    const auto id = std::to_string(*who.uid);
    base::log("Cannot look up user " + id + ": user: unknown userid " + id);
    return;
  }
  if (auto& home = variables["HOME"]; home.empty()) home = who.user->home;
  if (auto& name = variables["USER"]; name.empty()) name = who.user->name;
}

}  // namespace

std::expected<process::SpawnRequest, std::string> make_launch_request(const layers::Service& service,
                                                                      const layers::Workload* workload) {
  const auto command = layers::parse_service_command(service.command);
  if (!command) return std::unexpected("cannot start service: cannot parse command: " + command.error());
  const auto who = credentials_of(service, workload);
  if (!who) return std::unexpected(who.error());

  layers::StringMap variables = workload != nullptr ? workload->environment : layers::StringMap();
  if (service.environment)
    for (const auto& [name, value] : *service.environment) variables[name] = value;
  add_user(variables, *who);

  process::SpawnRequest request;
  request.argv = command->words();
  request.environment = process::overlay(process::daemon_environment(), variables);
  request.working_dir = service.working_dir;
  if (who->uid && !who->same_as_daemon) {
    request.uid = who->uid;
    request.gid = who->gid;
  }
  return request;
}

}  // namespace cobble::services
