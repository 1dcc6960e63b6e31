#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/state/engine.h"
#include "daemon/state/ids.h"
#include "daemon/state/records.h"

namespace cobble::state {

/// The last numbers given out (contract 03 section 6.2).
struct Counters {
  std::int64_t change = 0;
  std::int64_t task = 0;
  std::int64_t lane = 0;
};

/// What the shell has to do after something happened in a ChangeBook.
struct Effects {
  /// One occurrence of a change's `change-update` notice (contract 03 section 5.6).
  struct Occurrence {
    std::string change_id;
    std::map<std::string, std::string> data;
    WallTime time;
  };
  std::vector<Occurrence> occurrences;
  std::vector<std::string> abort;         ///< tasks whose handlers run and are asked to stop
  std::vector<std::string> ready;         ///< changes that have finished
  std::vector<std::string> removed;       ///< changes that are gone
  std::set<std::string, IdLess> changed;  ///< changes whose own record differs from before
  /// Tasks whose records differ from before: the change's id and the task's position in the change.
  std::set<std::pair<std::string, std::size_t>> changed_tasks;

  /// Whether there is anything that a state file would say differently.
  bool touches_file() const { return !changed.empty() || !changed_tasks.empty() || !removed.empty(); }
};

/// How much a pruning removed (contract 03 section 6.5).
struct PruneResult {
  std::size_t changes = 0;
  WallTime first{};  ///< the oldest ready-time that went
  WallTime last{};   ///< the newest one
};

/// When what has ended is forgotten (contract 03 section 6.5).
struct PruneLimits {
  Nanoseconds ready_age = std::chrono::hours(7 * 24);
  Nanoseconds abort_age = std::chrono::hours(14 * 24);
  std::size_t ready_changes = 1000;
};

/// Changes and tasks, and the rules by which they move (contract 03 section 5). A value: no handlers, no clock, no I/O. Whatever
/// happens goes in with its time; what has to be done about it comes out of `next_runnable` and `take_effects`.
///
/// A task moves Do -> Doing (`next_runnable`) -> Done or Error (`finish`). Cost: each move of a task costs what waits for it and
/// what it waits for, never the whole change, but for an abort.
class ChangeBook {
 public:
  ChangeBook() = default;
  ChangeBook(const ChangeBook&) = delete;
  ChangeBook& operator=(const ChangeBook&) = delete;

  /// Takes over the records of an earlier daemon. What is inconsistent is repaired: tasks without a change are dropped, unknown
  /// ids in lists too, tasks that wait in a circle are held. Once, before anything else.
  void load(std::vector<ChangeRecord> changes, std::vector<TaskRecord> tasks, Counters counters, WallTime now);

  std::int64_t new_lane() { return ++counters_.lane; }
  const Counters& counters() const { return counters_; }

  /// Records a change; its id is returned.
  std::string add(NewChange change, WallTime now);
  /// Moves the next task that can run to Doing; its id is returned, none when nothing can run now.
  std::optional<std::string> next_runnable(WallTime now);
  bool has_runnable() const { return !runnable_.empty(); }
  /// The handler of a running task has ended. A failure aborts the task's lanes.
  void finish(std::string_view task_id, const TaskResult& result, WallTime now);
  /// Asks a change to abort; an error text when it is ready or unknown.
  std::expected<void, std::string> abort(std::string_view change_id, WallTime now);
  /// Adds `TIMESTAMP KIND TEXT`; the ten newest lines are kept.
  void add_log(std::string_view task_id, std::string_view kind, std::string_view text, WallTime now);
  void set_task_data(std::string_view task_id, std::string_view key, std::string json);
  void set_change_data(std::string_view change_id, std::string_view key, std::string json);

  /// Forgets ready changes by age and number, and aborts unfinished ones that are too old; check changes (`check-no-prune`) are
  /// exempt. `operation_start`: ages count from the later of this and the spawn time.
  PruneResult prune(const PruneLimits& limits, WallTime operation_start, WallTime now);
  /// Forgets the oldest ready changes while there are more than `limits.ready_changes`, but none that became ready after
  /// `spare_after`: somebody may be about to ask for it.
  PruneResult prune_excess(const PruneLimits& limits, WallTime spare_after);

  const ChangeRecord* find_change(std::string_view id) const;
  const TaskRecord* find_task(std::string_view id) const;
  /// In the order of ids.
  std::vector<const ChangeRecord*> changes() const;
  /// The tasks of a change in the order of addition; empty when there is no such change.
  std::vector<const TaskRecord*> tasks(std::string_view change_id) const;
  /// One of them; nullptr when there is none.
  const TaskRecord* task_at(std::string_view change_id, std::size_t position) const;
  std::size_t task_count(std::string_view change_id) const;
  Status status(const ChangeRecord& change) const;
  /// Contract 03 section 4.4; empty unless the status is Error.
  std::string error_text(const ChangeRecord& change) const;

  /// What has to be done since the last call.
  Effects take_effects();

 private:
  struct ChangeEntry;
  struct TaskEntry {
    TaskRecord record;
    ChangeEntry* change = nullptr;
    std::uint32_t position = 0;
    std::vector<TaskEntry*> waits;  ///< what it waits for
    std::vector<TaskEntry*> halts;  ///< what waits for it
    std::uint32_t waits_not_done = 0;
    std::uint32_t halts_not_ready = 0;
    bool running = false;
    WallTime began{};  ///< when its handler was last started
  };
  struct ChangeEntry {
    ChangeRecord record;
    std::map<std::string, std::string> notice_data;
    std::vector<std::unique_ptr<TaskEntry>> tasks;
    std::array<std::uint32_t, 11> counts{};  ///< tasks by status
    std::map<std::int64_t, std::vector<TaskEntry*>> lanes;
    std::size_t unready() const;
  };

  /// The lanes of a task; none of its own means lane 0.
  static std::vector<std::int64_t> lanes_of(const TaskRecord& task);
  /// When a ready change counts as finished; files may lack the time.
  static WallTime ready_key(const ChangeRecord& change);
  ChangeEntry* entry(std::string_view id);
  TaskEntry* task_entry(std::string_view id);
  void link(ChangeEntry& change);
  static std::uint32_t& count(ChangeEntry& change, Status status) { return change.counts[static_cast<std::size_t>(status)]; }
  void set_status(TaskEntry& task, Status to, WallTime now);
  void update_neighbours(TaskEntry& task, Status from, Status to);
  void change_moved(ChangeEntry& change, bool task_became_ready, WallTime now);
  void became_ready(ChangeEntry& change, WallTime now);
  void record_occurrence(ChangeEntry& change, Status status, WallTime now);
  void abort_task(TaskEntry& task, WallTime now);
  void abort_lanes(TaskEntry& failed, WallTime now);
  void abort_unfinished_lanes(ChangeEntry& change, WallTime now);
  void abort_from(ChangeEntry& change, std::vector<std::int64_t> lanes, WallTime now);
  static bool has_other_healthy_lane(const ChangeEntry& change, const TaskEntry& task, const std::set<std::int64_t>& aborted);
  void settle(WallTime now);
  void resume(TaskEntry& task, WallTime now);
  void hold_stuck(ChangeEntry& change, WallTime now);
  void touch(const TaskEntry& task) { effects_.changed_tasks.emplace(task.change->record.id, task.position); }
  bool all_wait(const ChangeEntry& change) const;
  Status derived(const ChangeEntry& change) const;
  void remove(ChangeEntry& change, PruneResult& result);

  Counters counters_;
  std::map<std::string, std::unique_ptr<ChangeEntry>, IdLess> changes_;
  std::map<std::string_view, TaskEntry*, IdLess> tasks_;  ///< the names live in the entries
  std::set<std::pair<WallTime, std::string>> ready_;      ///< ready changes, oldest first
  std::deque<std::string> runnable_;                      ///< tasks in Do (or left in Doing) that nothing holds back
  std::vector<TaskEntry*> to_settle_;                     ///< tasks in Undo that may have become undoable
  Effects effects_;
};

}  // namespace cobble::state
