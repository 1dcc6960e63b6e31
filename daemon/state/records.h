#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/time.h"

/// What happened and what is happening: changes, tasks, notices (contract 03, sections 4 to 7). Plain values.
namespace cobble::state {

using base::Nanoseconds;
using base::WallTime;

/// Status of a task or change; the numbers are those of the state file (contract 03, section 5.1).
enum class Status {
  unset = 0,
  hold = 1,
  todo = 2,
  doing = 3,
  done = 4,
  abort = 5,
  undo = 6,
  undoing = 7,
  undone = 8,
  error = 9,
  wait = 10
};

/// `Do`, `Doing`, `Done` … ; `unset` reads `Do`.
std::string_view status_text(Status status);
/// Whether a task or change in this status has finished.
bool is_ready(Status status);

/// Free-form data of a record: key -> JSON text.
using RecordData = std::map<std::string, std::string>;

struct TaskRecord {
  std::string id;
  std::string kind;
  std::string summary;
  Status status = Status::todo;
  Status waited_status = Status::unset;
  bool clean = false;
  std::optional<std::string> progress;  ///< JSON text, only from a state file that has one
  RecordData data;
  std::vector<std::string> wait_tasks;
  std::vector<std::string> halt_tasks;
  std::vector<std::int64_t> lanes;  ///< empty: lane 0
  std::vector<std::string> log;     ///< whole lines `TIMESTAMP KIND TEXT`, the ten newest
  std::string change;
  WallTime spawn_time{};
  std::optional<WallTime> ready_time;
  Nanoseconds doing_time{};
  Nanoseconds undoing_time{};
  std::optional<std::string> at_time;  ///< kept as it was read
};

struct ChangeRecord {
  std::string id;
  std::string kind;
  std::string summary;
  Status status = Status::unset;  ///< unset: derived from the tasks
  bool clean = false;
  RecordData data;
  std::vector<std::string> task_ids;
  WallTime spawn_time{};
  std::optional<WallTime> ready_time;
  Status last_recorded_notice_status = Status::unset;
};

struct Notice {
  std::string id;
  std::optional<std::uint32_t> user_id;  ///< none: public
  std::string type;
  std::string key;
  WallTime first_occurred{};
  WallTime last_occurred{};
  WallTime last_repeated{};
  std::int64_t occurrences = 0;
  std::map<std::string, std::string> last_data;
  Nanoseconds repeat_after{};
  Nanoseconds expire_after{};
};

}  // namespace cobble::state
