#include "daemon/state/change_book.h"

#include <algorithm>
#include <unordered_set>

#include "daemon/base/json_writer.h"

namespace cobble::state {

namespace {

constexpr std::size_t kept_log_lines = 10;

}  // namespace

std::vector<std::int64_t> ChangeBook::lanes_of(const TaskRecord& task) {
  return task.lanes.empty() ? std::vector<std::int64_t>{0} : task.lanes;
}

WallTime ChangeBook::ready_key(const ChangeRecord& change) {
  return change.ready_time.value_or(change.spawn_time);
}

std::size_t ChangeBook::ChangeEntry::unready() const {
  std::size_t ready = 0;
  for (const Status status : {Status::hold, Status::done, Status::undone, Status::error}) {
    ready += counts[static_cast<std::size_t>(status)];
  }
  return tasks.size() - ready;
}

ChangeBook::ChangeEntry* ChangeBook::entry(std::string_view id) {
  const auto found = changes_.find(id);
  return found == changes_.end() ? nullptr : found->second.get();
}

ChangeBook::TaskEntry* ChangeBook::task_entry(std::string_view id) {
  const auto found = tasks_.find(id);
  return found == tasks_.end() ? nullptr : found->second;
}

std::string ChangeBook::add(NewChange made, WallTime now) {
  auto owned = std::make_unique<ChangeEntry>();
  ChangeEntry& change = *owned;
  change.record.id = std::to_string(++counters_.change);
  change.record.kind = std::move(made.kind);
  change.record.summary = std::move(made.summary);
  change.record.data = std::move(made.data);
  change.record.spawn_time = now;
  if (!made.notice_data.empty()) {
    base::JsonWriter writer;
    writer.value(made.notice_data);
    change.record.data["notice-data"] = writer.take();
    change.notice_data = std::move(made.notice_data);
  }
  const std::int64_t first_task = counters_.task + 1;
  for (NewTask& task : made.tasks) {
    auto entry = std::make_unique<TaskEntry>();
    entry->record.id = std::to_string(++counters_.task);
    entry->record.kind = std::move(task.kind);
    entry->record.summary = std::move(task.summary);
    entry->record.data = std::move(task.data);
    entry->record.change = change.record.id;
    entry->record.spawn_time = now;
    if (task.lane != 0) entry->record.lanes.push_back(task.lane);
    for (const std::size_t position : task.waits_for) {
      if (position >= made.tasks.size()) continue;
      entry->record.wait_tasks.push_back(std::to_string(first_task + static_cast<std::int64_t>(position)));
    }
    change.record.task_ids.push_back(entry->record.id);
    change.tasks.push_back(std::move(entry));
  }
  changes_[change.record.id] = std::move(owned);
  link(change);
  for (const auto& task : change.tasks) {
    for (const TaskEntry* later : task->halts) task->record.halt_tasks.push_back(later->record.id);
    touch(*task);
    if (task->waits_not_done == 0) runnable_.push_back(task->record.id);
  }
  record_occurrence(change, derived(change), now);
  if (made.status != Status::unset) {
    change.record.status = made.status;
    if (made.status != change.record.last_recorded_notice_status) record_occurrence(change, made.status, now);
    if (is_ready(made.status)) became_ready(change, now);
  }
  return change.record.id;
}

std::optional<std::string> ChangeBook::next_runnable(WallTime now) {
  while (!runnable_.empty()) {
    const std::string id = std::move(runnable_.front());
    runnable_.pop_front();
    TaskEntry* task = task_entry(id);
    if (task == nullptr || task->running) continue;
    const Status status = task->record.status;
    if (status != Status::doing && (status != Status::todo || task->waits_not_done != 0)) continue;
    task->running = true;
    task->began = now;
    set_status(*task, Status::doing, now);
    return id;
  }
  return std::nullopt;
}

void ChangeBook::finish(std::string_view task_id, const TaskResult& result, WallTime now) {
  TaskEntry* task = task_entry(task_id);
  if (task == nullptr || !task->running) return;
  if (now > task->began) task->record.doing_time += now - task->began;
  if (!result) {
    abort_lanes(*task, now);
    task->running = false;
    add_log(task_id, "ERROR", result.error(), now);
    set_status(*task, Status::error, now);
  } else {
    task->running = false;
    set_status(*task, task->record.status == Status::abort ? Status::undo : Status::done, now);
  }
  settle(now);
}

std::expected<void, std::string> ChangeBook::abort(std::string_view change_id, WallTime now) {
  ChangeEntry* change = entry(change_id);
  if (change == nullptr || is_ready(status(change->record))) {
    return std::unexpected("cannot abort change " + std::string(change_id) + " with nothing pending");
  }
  for (const auto& task : change->tasks) abort_task(*task, now);
  settle(now);
  return {};
}

void ChangeBook::set_status(TaskEntry& task, Status to, WallTime now) {
  const Status from = task.record.status;
  if (from == to) return;
  --count(*task.change, from);
  ++count(*task.change, to);
  task.record.status = to;
  const bool ended = is_ready(to) && !is_ready(from);
  if (ended) task.record.ready_time = now;
  touch(task);
  update_neighbours(task, from, to);
  change_moved(*task.change, ended, now);
}

void ChangeBook::update_neighbours(TaskEntry& task, Status from, Status to) {
  if (from != Status::done && to == Status::done) {
    for (TaskEntry* later : task.halts) {
      if (--later->waits_not_done == 0 && later->record.status == Status::todo) runnable_.push_back(later->record.id);
    }
  } else if (from == Status::done && to != Status::done) {
    for (TaskEntry* later : task.halts) ++later->waits_not_done;
  }
  if (is_ready(to) && !is_ready(from)) {
    for (TaskEntry* earlier : task.waits) {
      if (--earlier->halts_not_ready == 0) to_settle_.push_back(earlier);
    }
  } else if (is_ready(from) && !is_ready(to)) {
    for (TaskEntry* earlier : task.waits) ++earlier->halts_not_ready;
  }
  if (to == Status::undo) to_settle_.push_back(&task);
}

/// Ends the undo of tasks when all that depends on them is ready: no kind of task has anything to undo.
void ChangeBook::settle(WallTime now) {
  while (!to_settle_.empty()) {
    TaskEntry* task = to_settle_.back();
    to_settle_.pop_back();
    if (task->record.status == Status::undo && task->halts_not_ready == 0) set_status(*task, Status::done, now);
  }
}

void ChangeBook::change_moved(ChangeEntry& change, bool task_became_ready, WallTime now) {
  const Status current = status(change.record);
  const Status last = change.record.last_recorded_notice_status;
  const bool falls_back =
      (last == Status::doing && current == Status::todo) || (last == Status::undoing && current == Status::undo);
  if (current != last && !falls_back) record_occurrence(change, current, now);
  if (task_became_ready && change.unready() == 0) became_ready(change, now);
}

void ChangeBook::became_ready(ChangeEntry& change, WallTime now) {
  if (!change.record.ready_time) change.record.ready_time = now;
  ready_.emplace(ready_key(change.record), change.record.id);
  effects_.changed.insert(change.record.id);
  effects_.ready.push_back(change.record.id);
}

void ChangeBook::record_occurrence(ChangeEntry& change, Status current, WallTime now) {
  change.record.last_recorded_notice_status = current;
  std::map<std::string, std::string> data = change.notice_data;
  data["kind"] = change.record.kind;
  effects_.occurrences.push_back({change.record.id, std::move(data), now});
  effects_.changed.insert(change.record.id);
}

void ChangeBook::abort_task(TaskEntry& task, WallTime now) {
  const bool waits = task.record.status == Status::wait;
  const Status waited = task.record.waited_status == Status::unset ? Status::done : task.record.waited_status;
  switch (waits ? waited : task.record.status) {
    case Status::todo:
      set_status(task, Status::hold, now);
      break;
    case Status::doing:
      set_status(task, Status::abort, now);
      if (task.running) {
        effects_.abort.push_back(task.record.id);
      } else {
        set_status(task, Status::hold, now);  // left by an earlier daemon, not started again yet
      }
      break;
    case Status::done:
      set_status(task, Status::undo, now);
      break;
    default:
      break;
  }
}

void ChangeBook::abort_lanes(TaskEntry& failed, WallTime now) {
  abort_from(*failed.change, lanes_of(failed.record), now);
}

void ChangeBook::abort_from(ChangeEntry& change, std::vector<std::int64_t> lanes, WallTime now) {
  std::set<std::int64_t> seen_lanes(lanes.begin(), lanes.end());
  std::unordered_set<const TaskEntry*> seen;
  std::vector<TaskEntry*> touched;
  const auto visit = [&](TaskEntry* task) {
    if (has_other_healthy_lane(change, *task, seen_lanes) || !seen.insert(task).second) return;
    abort_task(*task, now);
    touched.push_back(task);
  };
  for (std::size_t next_lane = 0, next_task = 0; next_lane < lanes.size() || next_task < touched.size();) {
    if (next_lane < lanes.size()) {
      for (TaskEntry* task : change.lanes[lanes[next_lane++]]) visit(task);
      continue;
    }
    for (TaskEntry* later : touched[next_task++]->halts) {
      if (seen.contains(later)) continue;
      for (const std::int64_t lane : lanes_of(later->record)) {
        if (seen_lanes.insert(lane).second) lanes.push_back(lane);
      }
      visit(later);
    }
  }
}

bool ChangeBook::has_other_healthy_lane(const ChangeEntry& change, const TaskEntry& task, const std::set<std::int64_t>& aborted) {
  if (task.record.lanes.size() < 2) return false;
  return std::ranges::any_of(task.record.lanes, [&](std::int64_t lane) {
    if (aborted.contains(lane)) return false;
    return std::ranges::all_of(change.lanes.at(lane), [](const TaskEntry* other) {
      const Status status = other->record.status;
      return status == Status::todo || status == Status::doing || status == Status::done || status == Status::wait;
    });
  });
}

void ChangeBook::abort_unfinished_lanes(ChangeEntry& change, WallTime now) {
  std::vector<std::int64_t> lanes;
  for (const auto& [lane, tasks] : change.lanes) {
    const bool unfinished = std::ranges::any_of(tasks, [](const TaskEntry* task) { return !is_ready(task->record.status); });
    if (unfinished) lanes.push_back(lane);
  }
  abort_from(change, std::move(lanes), now);
  settle(now);
}

Effects ChangeBook::take_effects() {
  // Of a change that is ready nothing moves any more: what only moves need is given back.
  for (const std::string& id : effects_.ready) {
    ChangeEntry* change = entry(id);
    if (change == nullptr) continue;
    change->lanes.clear();
    change->notice_data.clear();
    for (const auto& task : change->tasks) {
      task->waits = {};
      task->halts = {};
    }
  }
  return std::exchange(effects_, {});
}

PruneResult ChangeBook::prune(const PruneLimits& limits, WallTime operation_start, WallTime now) {
  PruneResult result;
  while (!ready_.empty() && (ready_.size() > limits.ready_changes || now - ready_.begin()->first > limits.ready_age)) {
    remove(*entry(ready_.begin()->second), result);
  }
  std::vector<ChangeEntry*> abandoned;
  for (const auto& [id, change] : changes_) {
    const Nanoseconds age = now - std::max(change->record.spawn_time, operation_start);
    if (change->tasks.empty()) {
      if (!change->record.ready_time && age > limits.ready_age) abandoned.push_back(change.get());
    } else if (change->unready() > 0 && age > limits.abort_age && !change->record.data.contains("check-no-prune")) {
      abort_unfinished_lanes(*change, now);
    }
  }
  for (ChangeEntry* change : abandoned) remove(*change, result);
  return result;
}

PruneResult ChangeBook::prune_excess(const PruneLimits& limits, WallTime spare_after) {
  PruneResult result;
  while (ready_.size() > limits.ready_changes && ready_.begin()->first <= spare_after) {
    remove(*entry(ready_.begin()->second), result);
  }
  return result;
}

void ChangeBook::remove(ChangeEntry& change, PruneResult& result) {
  const WallTime time = ready_key(change.record);
  result.first = result.changes == 0 ? time : std::min(result.first, time);
  result.last = result.changes == 0 ? time : std::max(result.last, time);
  ++result.changes;
  const std::string id = change.record.id;
  for (const auto& task : change.tasks) {
    tasks_.erase(task->record.id);
    effects_.changed_tasks.erase({id, task->position});
  }
  effects_.changed.erase(id);
  effects_.removed.push_back(id);
  ready_.erase({time, id});
  changes_.erase(id);
}

void ChangeBook::add_log(std::string_view task_id, std::string_view kind, std::string_view text, WallTime now) {
  TaskEntry* task = task_entry(task_id);
  if (task == nullptr) return;
  std::vector<std::string>& log = task->record.log;
  if (log.size() >= kept_log_lines) log.erase(log.begin(), log.end() - (kept_log_lines - 1));
  log.push_back(base::format_local_seconds(now) + " " + std::string(kind) + " " + std::string(text));
  touch(*task);
}

void ChangeBook::set_task_data(std::string_view task_id, std::string_view key, std::string json) {
  TaskEntry* task = task_entry(task_id);
  if (task == nullptr) return;
  task->record.data[std::string(key)] = std::move(json);
  touch(*task);
}

void ChangeBook::set_change_data(std::string_view change_id, std::string_view key, std::string json) {
  ChangeEntry* change = entry(change_id);
  if (change == nullptr) return;
  change->record.data[std::string(key)] = std::move(json);
  effects_.changed.insert(change->record.id);
}

const ChangeRecord* ChangeBook::find_change(std::string_view id) const {
  const auto found = changes_.find(id);
  return found == changes_.end() ? nullptr : &found->second->record;
}

const TaskRecord* ChangeBook::find_task(std::string_view id) const {
  const auto found = tasks_.find(id);
  return found == tasks_.end() ? nullptr : &found->second->record;
}

std::vector<const ChangeRecord*> ChangeBook::changes() const {
  std::vector<const ChangeRecord*> result;
  result.reserve(changes_.size());
  for (const auto& [id, change] : changes_) result.push_back(&change->record);
  return result;
}

std::vector<const TaskRecord*> ChangeBook::tasks(std::string_view change_id) const {
  std::vector<const TaskRecord*> result;
  const auto found = changes_.find(change_id);
  if (found == changes_.end()) return result;
  result.reserve(found->second->tasks.size());
  for (const auto& task : found->second->tasks) result.push_back(&task->record);
  return result;
}

const TaskRecord* ChangeBook::task_at(std::string_view change_id, std::size_t position) const {
  const auto found = changes_.find(change_id);
  if (found == changes_.end() || position >= found->second->tasks.size()) return nullptr;
  return &found->second->tasks[position]->record;
}

std::size_t ChangeBook::task_count(std::string_view change_id) const {
  const auto found = changes_.find(change_id);
  return found == changes_.end() ? 0 : found->second->tasks.size();
}

Status ChangeBook::status(const ChangeRecord& change) const {
  if (change.status != Status::unset) return change.status;
  const auto found = changes_.find(change.id);
  return found == changes_.end() ? Status::hold : derived(*found->second);
}

Status ChangeBook::derived(const ChangeEntry& change) const {
  const auto some = [&](Status status) { return change.counts[static_cast<std::size_t>(status)] > 0; };
  if (some(Status::wait) && all_wait(change)) return Status::wait;
  for (const Status status : {Status::abort, Status::undoing, Status::undo, Status::doing, Status::todo, Status::wait,
                              Status::error, Status::undone, Status::done}) {
    if (some(status)) return status;
  }
  return Status::hold;
}

/// Whether every task that isn't ready is in Wait, or in Do and held up by such ones only.
bool ChangeBook::all_wait(const ChangeEntry& change) const {
  std::map<const TaskEntry*, std::size_t> open;  // tasks in Do -> how many of what they wait for may still move by themselves
  std::vector<const TaskEntry*> still;           // tasks that don't move by themselves
  for (const auto& task : change.tasks) {
    const Status status = task->record.status;
    if (status == Status::wait) {
      still.push_back(task.get());
    } else if (status == Status::todo && !task->waits.empty()) {
      open[task.get()] = static_cast<std::size_t>(
          std::ranges::count_if(task->waits, [](const TaskEntry* earlier) { return !is_ready(earlier->record.status); }));
    } else if (!is_ready(status)) {
      return false;
    }
  }
  while (!still.empty()) {
    const TaskEntry* task = still.back();
    still.pop_back();
    for (const TaskEntry* later : task->halts) {
      const auto found = open.find(later);
      if (found == open.end() || --found->second != 0) continue;
      open.erase(found);
      still.push_back(later);
    }
  }
  return open.empty();
}

std::string ChangeBook::error_text(const ChangeRecord& change) const {
  if (status(change) != Status::error) return {};
  std::string lines;
  for (const TaskRecord* task : tasks(change.id)) {
    if (task->status != Status::error) continue;
    for (const std::string& line : task->log) {
      constexpr std::string_view mark = "ERROR ";
      const std::size_t space = line.find(' ');
      if (space == std::string::npos || !std::string_view(line).substr(space + 1).starts_with(mark)) continue;
      lines += "\n- " + task->summary + " (" + line.substr(space + 1 + mark.size()) + ")";
    }
  }
  if (lines.empty()) return "internal inconsistency: change \"" + change.kind + "\" in ErrorStatus with no task errors logged";
  return "cannot perform the following tasks:" + lines;
}

}  // namespace cobble::state
