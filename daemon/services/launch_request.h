#pragma once

#include <expected>
#include <string>

#include "daemon/process/spawn.h"
#include "layers/plan.h"

namespace cobble::services {

/// Turns a service's configuration into what its process gets (contract 02, sections 3.6 and 3.7); stdout and stderr remain to be
/// set. `workload`: the one that the service names, or nullptr. The error is the text of the failed task.
std::expected<process::SpawnRequest, std::string> make_launch_request(const layers::Service& service,
                                                                      const layers::Workload* workload);

}  // namespace cobble::services
