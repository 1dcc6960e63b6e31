#include <algorithm>
#include <nlohmann/json.hpp>

#include "daemon/base/json.h"
#include "daemon/state/change_book.h"

/// How a ChangeBook takes over what an earlier daemon left (contract 03, section 6.3).
namespace cobble::state {

namespace {

bool is_check(const TaskRecord& task) {
  return task.kind == "perform-check" || task.kind == "recover-check";
}

std::map<std::string, std::string> parse_notice_data(const ChangeRecord& change) {
  std::map<std::string, std::string> result;
  const auto found = change.data.find("notice-data");
  if (found == change.data.end()) return result;
  const auto value = base::parse_json(found->second);
  if (!value || !value->is_object()) return result;
  for (const auto& [key, text] : value->items()) {
    if (text.is_string()) result[key] = text.get<std::string>();
  }
  return result;
}

}  // namespace

void ChangeBook::load(std::vector<ChangeRecord> changes, std::vector<TaskRecord> tasks, Counters counters, WallTime now) {
  counters_ = counters;
  std::map<std::string, TaskRecord, IdLess> by_id;
  for (TaskRecord& task : tasks) by_id[task.id] = std::move(task);
  for (ChangeRecord& record : changes) {
    auto owned = std::make_unique<ChangeEntry>();
    ChangeEntry& change = *owned;
    change.record = std::move(record);
    change.notice_data = parse_notice_data(change.record);
    for (const std::string& id : std::exchange(change.record.task_ids, {})) {
      auto found = by_id.extract(id);
      if (!found) continue;
      auto entry = std::make_unique<TaskEntry>();
      entry->record = std::move(found.mapped());
      entry->record.change = change.record.id;
      if (entry->record.status == Status::unset) entry->record.status = Status::todo;
      change.record.task_ids.push_back(id);
      change.tasks.push_back(std::move(entry));
    }
    if (entry(change.record.id) != nullptr) continue;
    changes_[change.record.id] = std::move(owned);
    effects_.changed.insert(change.record.id);
    link(change);
    for (const auto& task : change.tasks) touch(*task);
  }
  for (const auto& [id, change] : changes_) {
    for (const auto& task : change->tasks) resume(*task, now);
    hold_stuck(*change, now);
    settle(now);
    if (change->unready() == 0 && (change->record.ready_time || !change->tasks.empty()))
      ready_.emplace(ready_key(change->record), id);
  }
}

/// Turns the ids of the tasks' records into pointers, and counts what is held back by what. Edges of a circle are ignored.
void ChangeBook::link(ChangeEntry& change) {
  std::set<std::pair<TaskEntry*, TaskEntry*>> edges;  // earlier, later
  for (std::size_t i = 0; i < change.tasks.size(); ++i) {
    TaskEntry& task = *change.tasks[i];
    task.change = &change;
    task.position = static_cast<std::uint32_t>(i);
    tasks_[task.record.id] = &task;
    ++count(change, task.record.status);
    for (const std::int64_t lane : lanes_of(task.record)) change.lanes[lane].push_back(&task);
  }
  for (const auto& task : change.tasks) {
    for (const std::string& id : task->record.wait_tasks) {
      TaskEntry* earlier = task_entry(id);
      if (earlier != nullptr && earlier->change == &change) edges.emplace(earlier, task.get());
    }
    for (const std::string& id : task->record.halt_tasks) {
      TaskEntry* later = task_entry(id);
      if (later != nullptr && later->change == &change) edges.emplace(task.get(), later);
    }
  }
  std::map<TaskEntry*, std::size_t> incoming;
  std::map<TaskEntry*, std::vector<TaskEntry*>> outgoing;
  for (const auto& [earlier, later] : edges) {
    ++incoming[later];
    outgoing[earlier].push_back(later);
  }
  std::vector<TaskEntry*> free;
  for (const auto& task : change.tasks) {
    if (!incoming.contains(task.get())) free.push_back(task.get());
  }
  while (!free.empty()) {
    TaskEntry* task = free.back();
    free.pop_back();
    for (TaskEntry* later : outgoing[task]) {
      if (--incoming[later] == 0) free.push_back(later);
    }
  }
  for (const auto& task : change.tasks) {
    for (TaskEntry* later : outgoing[task.get()]) {
      if (incoming[task.get()] != 0 && incoming[later] != 0) continue;
      task->halts.push_back(later);
      later->waits.push_back(task.get());
    }
  }
  for (const auto& task : change.tasks) {
    std::ranges::sort(task->halts, {}, &TaskEntry::position);
    for (const TaskEntry* earlier : task->waits) task->waits_not_done += earlier->record.status != Status::done;
    for (const TaskEntry* later : task->halts) task->halts_not_ready += !is_ready(later->record.status);
  }
}

/// What becomes of a task that an earlier daemon left (contract 03 section 6.3).
void ChangeBook::resume(TaskEntry& task, WallTime now) {
  switch (task.record.status) {
    case Status::todo:
    case Status::doing:
      if (is_check(task.record)) {
        set_status(task, Status::hold, now);
      } else if (task.record.status == Status::doing || task.waits_not_done == 0) {
        runnable_.push_back(task.record.id);
      }
      break;
    case Status::abort:
      set_status(task, Status::hold, now);
      break;
    case Status::undo:
    case Status::undoing:
      set_status(task, Status::done, now);
      break;
    default:
      break;
  }
}

/// Holds the tasks in Do that wait, directly or not, for one that will never be Done.
void ChangeBook::hold_stuck(ChangeEntry& change, WallTime now) {
  std::vector<TaskEntry*> dead;
  for (const auto& task : change.tasks) {
    const Status status = task->record.status;
    if (is_ready(status) && status != Status::done) dead.push_back(task.get());
  }
  while (!dead.empty()) {
    const TaskEntry* task = dead.back();
    dead.pop_back();
    for (TaskEntry* later : task->halts) {
      if (later->record.status != Status::todo) continue;
      set_status(*later, Status::hold, now);
      dead.push_back(later);
    }
  }
}

}  // namespace cobble::state
