#include "daemon/state/engine.h"

namespace cobble::state {

TaskRun::TaskRun(Engine& engine, std::string task_id, std::shared_ptr<base::Event> abort_event)
    : engine_(engine), task_id_(std::move(task_id)), abort_event_(std::move(abort_event)) {}

const TaskRecord& TaskRun::task() const {
  return *engine_.find_task(task_id_);
}

const ChangeRecord& TaskRun::change() const {
  return *engine_.find_change(task().change);
}

void TaskRun::log_info(std::string_view text) {
  engine_.add_log(task_id_, "INFO", text);
}

void TaskRun::log_error(std::string_view text) {
  engine_.add_log(task_id_, "ERROR", text);
}

void TaskRun::set_data(std::string_view key, std::string json) {
  engine_.set_task_data(task_id_, key, std::move(json));
}

bool TaskRun::aborted() const {
  return task().status == Status::abort;
}

}  // namespace cobble::state
