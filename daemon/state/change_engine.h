#pragma once

#include <map>
#include <memory>
#include <string>

#include "daemon/state/change_book.h"
#include "daemon/state/engine.h"
#include "daemon/state/notice_book.h"
#include "daemon/state/state_file.h"
#include "daemon/state/state_image.h"

namespace cobble::state {

/// Runs the tasks of a ChangeBook: gives it the time, calls handlers as coroutines, wakes who waits, records `change-update`
/// notices.
class ChangeEngine : public Engine {
 public:
  ChangeEngine(base::IoContext& loop, NoticeBook& notices, StateFile& file);
  ~ChangeEngine() override;

  void set_handler(std::string kind, TaskHandler handler) override;
  void start() override;
  std::int64_t new_lane() override { return book_.new_lane(); }
  std::string add_change(NewChange change) override;
  const ChangeRecord* find_change(std::string_view id) const override { return book_.find_change(id); }
  const TaskRecord* find_task(std::string_view id) const override { return book_.find_task(id); }
  std::vector<const ChangeRecord*> changes() const override { return book_.changes(); }
  Status change_status(const ChangeRecord& change) const override { return book_.status(change); }
  std::string change_error(const ChangeRecord& change) const override { return book_.error_text(change); }
  std::expected<void, std::string> abort_change(std::string_view id) override;
  base::Task<bool> wait_ready(std::string id, std::optional<base::SteadyTime> deadline) override;
  base::Task<void> durable() override;
  void add_log(const std::string& task_id, std::string_view kind, std::string_view text) override;
  void set_task_data(const std::string& task_id, std::string_view key, std::string json) override;
  void set_change_data(const std::string& change_id, std::string_view key, std::string json) override;

  /// Forgets what is too old or too much, and says so in the log (contract 03 section 6.5). Happens every ten minutes by itself.
  void prune();

 private:
  void apply_effects();
  void pump();
  void begin_next();
  base::Task<void> run_task(std::string task_id, const TaskHandler* handler, std::shared_ptr<base::Event> abort_event);
  void finish(const std::string& task_id, const TaskResult& result);
  void arm_pruning();

  base::IoContext& loop_;
  NoticeBook& notices_;
  StateFile& file_;
  ChangeBook book_;
  StateImage image_;
  std::map<std::string, TaskHandler> handlers_;
  std::map<std::string, std::shared_ptr<base::Event>> running_;               ///< abort events by task
  std::map<std::string, std::shared_ptr<base::Event>, std::less<>> waiting_;  ///< for changes that somebody waits for
  base::Timer prune_timer_;
  bool started_ = false;
  bool pump_posted_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace cobble::state
