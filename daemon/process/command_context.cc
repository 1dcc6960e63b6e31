#include "daemon/process/command_context.h"

#include <utility>

namespace cobble::process {

CommandContext resolve_context(const layers::Service* service, CommandContext own) {
  if (!service) return own;
  if (service->environment) own.environment.insert(service->environment->begin(), service->environment->end());
  if (!own.user_id) own.user_id = service->user_id;
  if (own.user.empty()) own.user = service->user;
  if (!own.group_id) own.group_id = service->group_id;
  if (own.group.empty()) own.group = service->group;
  if (own.working_dir.empty()) own.working_dir = service->working_dir;
  return own;
}

}  // namespace cobble::process
