#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/loop.h"
#include "daemon/state/records.h"

namespace cobble::state {

class Engine;

/// One execution of a task, handed to its kind's handler. Lives as long as the handler's coroutine.
class TaskRun {
 public:
  TaskRun(Engine& engine, std::string task_id, std::shared_ptr<base::Event> abort_event);

  const std::string& task_id() const { return task_id_; }
  const TaskRecord& task() const;
  const ChangeRecord& change() const;
  /// Adds `TIMESTAMP INFO text` to the task's log.
  void log_info(std::string_view text);
  /// Adds `TIMESTAMP ERROR text`; the failing text itself is added by the engine, from the handler's result.
  void log_error(std::string_view text);
  /// Sets one key of the task's data to JSON text.
  void set_data(std::string_view key, std::string json);
  /// Whether the change was asked to abort while this task runs.
  bool aborted() const;
  /// Notified when the abort is asked for.
  base::Event& abort_event() { return *abort_event_; }

 private:
  Engine& engine_;
  std::string task_id_;
  std::shared_ptr<base::Event> abort_event_;
};

/// Success, or the text of the failure (the task becomes Error, its lane is aborted: contract 03 section 5.4).
using TaskResult = std::expected<void, std::string>;
using TaskHandler = std::function<base::Task<TaskResult>(TaskRun& run)>;

/// A task to be made. `waits_for`: positions in the same NewChange's list.
struct NewTask {
  std::string kind;
  std::string summary;
  RecordData data;
  std::vector<std::size_t> waits_for;
  std::int64_t lane = 0;  ///< 0: no lane of its own; else a number from `Engine::new_lane`
};

struct NewChange {
  std::string kind;
  std::string summary;
  RecordData data;
  std::map<std::string, std::string> notice_data;  ///< beside `kind` in the change-update notice's data
  std::vector<NewTask> tasks;
  Status status = Status::unset;
};

/// Owns changes and tasks, and runs tasks as soon as what they wait for is done, without a limit on how many (contract 03,
/// section 5). On the loop's thread only.
class Engine {
 public:
  virtual ~Engine() = default;

  /// Handlers are registered before `start`; a kind without one succeeds with a log line (contract 03 5.3).
  virtual void set_handler(std::string kind, TaskHandler handler) = 0;
  /// Begins to run tasks, those of an earlier daemon included (contract 03 6.3).
  virtual void start() = 0;

  virtual std::int64_t new_lane() = 0;
  /// Records the change and starts what can run; the id is returned. Tasks begin on a later turn of the loop.
  virtual std::string add_change(NewChange change) = 0;
  /// nullptr when there is none. The pointer is valid until the loop's next turn.
  virtual const ChangeRecord* find_change(std::string_view id) const = 0;
  virtual const TaskRecord* find_task(std::string_view id) const = 0;
  /// All changes in the order of their ids.
  virtual std::vector<const ChangeRecord*> changes() const = 0;
  /// The derived status (contract 03 5.1).
  virtual Status change_status(const ChangeRecord& change) const = 0;
  /// The `err` text (contract 03 4.4); empty when the status isn't Error.
  virtual std::string change_error(const ChangeRecord& change) const = 0;
  /// Asks the change to abort; an error text when it is ready already.
  virtual std::expected<void, std::string> abort_change(std::string_view id) = 0;
  /// Waits until the change is ready: true; false at the deadline (none: for ever), when it vanished or the wait is cancelled.
  virtual base::Task<bool> wait_ready(std::string id, std::optional<base::SteadyTime> deadline) = 0;
  /// Waits until all that was recorded before this call is on disk (group commit), at most a few seconds; at once when nothing is
  /// persisted.
  virtual base::Task<void> durable() = 0;

  /// For TaskRun.
  virtual void add_log(const std::string& task_id, std::string_view kind, std::string_view text) = 0;
  virtual void set_task_data(const std::string& task_id, std::string_view key, std::string json) = 0;
  virtual void set_change_data(const std::string& change_id, std::string_view key, std::string json) = 0;
};

}  // namespace cobble::state
