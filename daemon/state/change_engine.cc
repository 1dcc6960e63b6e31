#include "daemon/state/change_engine.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "daemon/base/log.h"
#include "layers/quote.h"

namespace cobble::state {

namespace {

constexpr Nanoseconds prune_period = std::chrono::minutes(10);
/// A change that has just become ready isn't forgotten for being one too many.
constexpr Nanoseconds spare_time = std::chrono::seconds(5);

/// `2026-11-23 06:44:43.485965 +0000 UTC`, as the log of a pruning names times.
std::string spaced_time(WallTime time) {
  std::string text = base::format_utc(time);
  text[text.find('T')] = ' ';
  text.pop_back();
  return text + " +0000 UTC";
}

void log_pruned(std::size_t count, std::string_view what, WallTime first, WallTime last) {
  if (count == 0) return;
  base::log("pruned " + std::to_string(count) + " " + std::string(what) + " from " + spaced_time(first) + " to " +
            spaced_time(last));
}

}  // namespace

ChangeEngine::ChangeEngine(base::IoContext& loop, NoticeBook& notices, StateFile& file)
    : loop_(loop), notices_(notices), file_(file), prune_timer_(loop) {
  const WallTime now = base::wall_now();
  StateFile::Loaded loaded = file_.take_loaded();
  Document& document = loaded.document;
  notices_.load(std::move(document.notices), document.last_notice_id, now);
  notices_.set_on_change([this] { file_.changed(); });
  file_.set_source([this](const RecordData& data) { return image_.compose(data, book_, notices_, base::wall_now()); });
  file_.set_on_warning([this](const std::string& text) { notices_.add_warning(text, base::wall_now()); });
  for (const std::string& text : loaded.warnings) notices_.add_warning(text, now);
  book_.load(std::move(document.changes), std::move(document.tasks), document.counters, now);
  apply_effects();
  file_.begin();
}

ChangeEngine::~ChangeEngine() {
  *alive_ = false;
  notices_.set_on_change({});
  file_.set_source({});
  file_.set_on_warning({});
}

void ChangeEngine::set_handler(std::string kind, TaskHandler handler) {
  handlers_[std::move(kind)] = std::move(handler);
}

void ChangeEngine::start() {
  started_ = true;
  arm_pruning();
  pump();
}

void ChangeEngine::arm_pruning() {
  prune_timer_.start(prune_period, [this] {
    arm_pruning();
    prune();
  });
}

std::string ChangeEngine::add_change(NewChange change) {
  std::string id = book_.add(std::move(change), base::wall_now());
  apply_effects();
  return id;
}

std::expected<void, std::string> ChangeEngine::abort_change(std::string_view id) {
  auto result = book_.abort(id, base::wall_now());
  apply_effects();
  return result;
}

void ChangeEngine::apply_effects() {
  Effects effects = book_.take_effects();
  image_.apply(effects);
  if (effects.touches_file()) file_.changed();
  for (Effects::Occurrence& occurrence : effects.occurrences) {
    notices_.add(std::nullopt, "change-update", occurrence.change_id, std::move(occurrence.data), Nanoseconds(0),
                 occurrence.time);
  }
  for (const std::string& task : effects.abort) {
    const auto found = running_.find(task);
    if (found != running_.end()) found->second->notify_all();
  }
  for (const std::string& change : effects.ready) {
    auto waiting = waiting_.extract(change);
    if (waiting) waiting.mapped()->notify_all();
  }
  for (const std::string& change : effects.removed) notices_.forget_change(change);
  if (!effects.ready.empty() && book_.prune_excess({}, base::wall_now() - spare_time).changes > 0) apply_effects();
  pump();
}

/// Begins the next task on a later turn of the loop, one task a turn: while thousands begin, others are served.
void ChangeEngine::pump() {
  if (!started_ || pump_posted_ || !book_.has_runnable()) return;
  pump_posted_ = true;
  boost::asio::post(loop_, [this, alive = alive_] {
    if (!*alive) return;
    pump_posted_ = false;
    begin_next();
  });
}

void ChangeEngine::begin_next() {
  const std::optional<std::string> id = book_.next_runnable(base::wall_now());
  if (id) {
    const std::string& kind = book_.find_task(*id)->kind;
    const auto handler = handlers_.find(kind);
    auto abort_event = std::make_shared<base::Event>(loop_);
    running_[*id] = abort_event;
    if (handler != handlers_.end()) {
      base::spawn(loop_, "task " + *id, run_task(*id, &handler->second, std::move(abort_event)));
    } else {
      add_log(*id, "INFO", "no handler for task " + layers::quote(kind) + ", task ignored");
      finish(*id, {});
    }
  }
  apply_effects();
}

base::Task<void> ChangeEngine::run_task(std::string task_id, const TaskHandler* handler,
                                        std::shared_ptr<base::Event> abort_event) {
  TaskRun run(*this, task_id, std::move(abort_event));
  TaskResult result;
  try {
    result = co_await (*handler)(run);
  } catch (const std::exception& error) {
    result = std::unexpected("internal error: " + std::string(error.what()));
  }
  finish(task_id, result);
}

void ChangeEngine::finish(const std::string& task_id, const TaskResult& result) {
  running_.erase(task_id);
  if (!result) {
    const TaskRecord* task = book_.find_task(task_id);
    base::log("Change " + task->change + " task (" + task->summary + ") failed: " + result.error());
  }
  book_.finish(task_id, result, base::wall_now());
  apply_effects();
}

base::Task<bool> ChangeEngine::wait_ready(std::string id, std::optional<base::SteadyTime> deadline) {
  const ChangeRecord* change = book_.find_change(id);
  if (change == nullptr) co_return false;
  if (is_ready(book_.status(*change))) co_return true;
  auto& slot = waiting_[id];
  if (!slot) slot = std::make_shared<base::Event>(loop_);
  const std::shared_ptr<base::Event> event = slot;
  co_return deadline ? co_await event->wait_until(*deadline) : co_await event->wait();
}

base::Task<void> ChangeEngine::durable() {
  return file_.durable();
}

void ChangeEngine::add_log(const std::string& task_id, std::string_view kind, std::string_view text) {
  book_.add_log(task_id, kind, text, base::wall_now());
  apply_effects();
}

void ChangeEngine::set_task_data(const std::string& task_id, std::string_view key, std::string json) {
  book_.set_task_data(task_id, key, std::move(json));
  apply_effects();
}

void ChangeEngine::set_change_data(const std::string& change_id, std::string_view key, std::string json) {
  book_.set_change_data(change_id, key, std::move(json));
  apply_effects();
}

void ChangeEngine::prune() {
  const WallTime now = base::wall_now();
  const PruneResult changes = book_.prune({}, file_.operation_start(), now);
  apply_effects();
  const NoticePrune notices = notices_.prune([this](std::string_view id) { return book_.find_change(id) != nullptr; }, now);
  log_pruned(changes.changes, "changes", changes.first, changes.last);
  log_pruned(notices.notices, "notices", notices.first, notices.last);
}

}  // namespace cobble::state
