#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "daemon/checks/manager.h"

/// What the manager keeps of a check, and what its coroutines share. For manager.cc alone.
namespace cobble::checks {

/// A run that somebody waits for.
struct Manager::Refresh {
  explicit Refresh(base::IoContext& loop) : done(loop) {}
  base::Event done;
  std::optional<std::string> error;  ///< set when it is done; empty: success

  void finish(std::string text) {
    error = std::move(text);
    done.notify_all();
  }
};

/// A run in flight, owned by its coroutine and by whoever waits for it.
struct Manager::Run {
  Run(CheckConfig its_config, base::Event* its_wake) : config(std::move(its_config)), wake(its_wake) {}
  CheckConfig config;
  std::optional<ProbeResult> result;
  base::Event* wake;  ///< notified at the end; nullptr when nobody waits any more
};

struct Manager::Entry : std::enable_shared_from_this<Manager::Entry> {
  explicit Entry(CheckConfig its_config) : config(std::move(its_config)), counter(config.check.threshold) {}

  CheckConfig config;  ///< as it was started with, when active
  CheckCounter counter;
  bool active = false;
  bool stalled = false;  ///< active, but its change was aborted over the API
  std::string change_id;
  std::string prev_change_id;
  std::uint64_t successes = 0;
  std::uint64_t failures = 0;
  std::deque<std::shared_ptr<Refresh>> refreshes;
  base::Event* driver = nullptr;  ///< what the present driver waits for
  std::string last_error;
  std::optional<base::WallTime> last_run;
  base::Nanoseconds last_duration{};

  CheckStatus status() const { return !active ? CheckStatus::inactive : counter.down() ? CheckStatus::down : CheckStatus::up; }

  CheckInfo info() const {
    const layers::Check& check = config.check;
    return {check.name,
            check.level,
            check.enabled() ? "enabled" : "disabled",
            status(),
            counter.successes(),
            counter.failures(),
            counter.threshold(),
            change_id,
            prev_change_id,
            last_error,
            last_run,
            last_duration};
  }

  void reconfigure(CheckConfig changed) {
    config = std::move(changed);
    counter.set_threshold(config.check.threshold);
  }

  void wake_driver() {
    if (driver) driver->notify_all();
  }

  std::shared_ptr<Refresh> take_refresh() {
    auto refresh = std::move(refreshes.front());
    refreshes.pop_front();
    return refresh;
  }

  void fail_refreshes(const std::string& why) {
    for (const auto& refresh : std::exchange(refreshes, {})) refresh->finish(why);
  }
};

/// Tells an entry which event its driver waits for, while that runs.
class DriverSeat {
 public:
  DriverSeat(base::Event*& place, base::Event& wake) : place_(place), wake_(&wake) { place_ = wake_; }
  ~DriverSeat() {
    if (place_ == wake_) place_ = nullptr;
  }
  DriverSeat(const DriverSeat&) = delete;
  DriverSeat& operator=(const DriverSeat&) = delete;

 private:
  base::Event*& place_;
  base::Event* wake_;
};

/// Cancels a run on every way out of the coroutine that waits for it.
template <typename Run>
class RunGuard {
 public:
  RunGuard(std::shared_ptr<Run> run, std::function<void()> cancel) : run_(std::move(run)), cancel_(std::move(cancel)) {}
  ~RunGuard() {
    run_->wake = nullptr;
    if (!run_->result) cancel_();
  }
  RunGuard(const RunGuard&) = delete;
  RunGuard& operator=(const RunGuard&) = delete;

 private:
  std::shared_ptr<Run> run_;
  std::function<void()> cancel_;
};

}  // namespace cobble::checks
