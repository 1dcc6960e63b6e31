#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/base/loop.h"
#include "daemon/logs/forwarding/queue.h"
#include "daemon/logs/forwarding/retry.h"
#include "daemon/logs/forwarding/sender.h"
#include "daemon/logs/live_readers.h"
#include "daemon/logs/manager.h"
#include "layers/plan.h"

namespace cobble::logs::forwarding {

/// What can be seen of a target from outside.
struct TargetStatus {
  std::string name;
  std::size_t queued = 0;  ///< entries
  std::size_t queued_bytes = 0;
  std::uint64_t sent = 0;     ///< entries that the target took
  std::uint64_t dropped = 0;  ///< entries that it will never get
  std::optional<bool> up;     ///< whether the last attempt succeeded; none: there was none
  std::string last_error;     ///< empty after a success
};

/// One log target at work: takes the entries of the services that it selects into its own queue as they come, and sends them, 100
/// at once or what there is a second after the first of them (contract 07, section 7.3). Failures are tried again with growing
/// delays; nothing is sent twice unless the target's answer got lost.
class Target final : public Subscriber, public std::enable_shared_from_this<Target> {
 public:
  Target(base::IoContext& loop, Manager& manager, std::string name, std::unique_ptr<Sender> sender);
  ~Target() override;
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  /// Takes services and labels of the plan from now on. `self` is the target's definition there.
  void configure(const layers::Plan& plan, const layers::LogTarget& self);
  /// Goes on reading where another target stands, which reads nothing any more.
  void take_over(Target& other);
  /// Sends by another sender from now on, and at once if something waits.
  void use(std::unique_ptr<Sender> sender);
  /// Begins to read and to send.
  void start();
  /// Takes no more entries.
  void stop_reading();
  /// Sends what is left, for `limit` at most; then it is over.
  base::Task<void> stop(base::Nanoseconds limit);

  TargetStatus status() const;

  void log_grew(ServiceLog& log) override;
  void log_removed(ServiceLog& log) override;
  bool holds_back(const ServiceLog& log) const override;

 private:
  static base::Task<void> run(std::shared_ptr<Target> self);
  static base::Task<void> run_last(std::shared_ptr<Target> self, base::Nanoseconds limit);
  base::Task<void> attempt(base::Nanoseconds limit);
  void settle(std::vector<QueuedEntry> batch, const Outcome& outcome);
  std::shared_ptr<const Stream> stream_of(const ServiceLog& log);
  void drain(ServiceLog& log);
  void drain_all();
  base::SteadyTime due() const;
  void queue_overflowed(const QueuedEntry& entry);
  void report_dropped();
  void count_lost(const QueuedEntry& entry);

  base::IoContext& loop_;
  Manager& manager_;
  std::string name_;
  std::shared_ptr<Sender> sender_;  ///< an attempt under way may have an earlier one
  layers::LogTarget definition_;
  std::map<std::string, layers::StringMap> environments_;                         ///< of the plan's services, for labels
  std::unordered_map<const ServiceLog*, std::shared_ptr<const Stream>> streams_;  ///< null: not selected

  LiveReaders readers_;
  EntryQueue queue_;
  base::Event wake_;
  base::Event ended_;
  std::function<void()> cancel_;
  RetryDelay delay_;
  std::optional<base::SteadyTime> batch_due_;  ///< a second after the first entry that no attempt had
  base::SteadyTime retry_at_ = base::SteadyTime::min();
  std::optional<base::SteadyTime> sending_since_;
  bool reading_ = false;
  bool failing_ = false;
  bool overflowing_ = false;  ///< entries were dropped for lack of room since the last success
  bool tried_ = false;
  bool stopping_ = false;
  bool running_ = false;
  std::uint64_t sent_ = 0;
  std::uint64_t refused_ = 0;           ///< entries that the target will never take
  std::uint64_t reported_dropped_ = 0;  ///< what the daemon's log knows of
  std::string last_error_;
};

}  // namespace cobble::logs::forwarding
