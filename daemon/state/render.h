#pragma once

#include <string>

#include "daemon/state/engine.h"
#include "daemon/state/records.h"

/// Records as JSON text, as the API shows them (contract 03 sections 4.2, 4.3 and 7.1).
namespace cobble::state {

std::string notice_json(const Notice& notice);
std::string task_json(const TaskRecord& task);
/// With its tasks.
std::string change_json(const Engine& engine, const ChangeRecord& change);

}  // namespace cobble::state
