#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/error.h"
#include "daemon/base/loop.h"
#include "daemon/checks/check_counter.h"
#include "daemon/checks/probe.h"
#include "daemon/checks/ticker.h"
#include "daemon/process/reaper.h"
#include "daemon/state/engine.h"
#include "layers/plan.h"

/// The plan's checks at run time (contract 06).
///
/// An active check is driven by a change: `perform-check` while it is up, `recover-check` while it is down. The change's only
/// task is a coroutine that waits for the next tick (or for a refresh), runs the check and lets its CheckCounter decide. Where
/// the counter says so, it makes the other kind of change, hands the check over to it and ends: a perform-check with the error, a
/// recover-check as done. An inactive check has no change.
namespace cobble::checks {

enum class CheckStatus { up, down, inactive };

/// `up`, `down` or `inactive`.
std::string_view status_text(CheckStatus status);

/// What a client sees of a check (contract 06, section 2.3).
struct CheckInfo {
  std::string name;
  std::string level;    ///< "", "alive" or "ready"
  std::string startup;  ///< "enabled" or "disabled"
  CheckStatus status = CheckStatus::inactive;
  std::int64_t successes = 0;
  std::int64_t failures = 0;
  std::int64_t threshold = 0;
  std::string change_id;       ///< empty: inactive
  std::string prev_change_id;  ///< empty: none
  // Beyond the reference:
  std::string last_error;                  ///< with details; empty: the last run succeeded, or none yet
  std::optional<base::WallTime> last_run;  ///< when the last counted run began
  base::Nanoseconds last_duration{};       ///< how long it took
};

/// What the metrics say of a check (contract 06, section 2.7).
struct CheckMetrics {
  std::string name;
  CheckStatus status = CheckStatus::inactive;
  std::uint64_t successes = 0;  ///< since the check was last changed, or the daemon's start
  std::uint64_t failures = 0;
  base::Nanoseconds last_duration{};
  bool has_run = false;
};

/// Result of a run that was asked for.
struct RefreshAnswer {
  CheckInfo info;
  std::string error;  ///< with details; empty: success
};

/// Runs the checks of the plan. On the loop's thread only.
class Manager {
 public:
  struct Hooks {
    std::function<void(const std::string& check_name)> on_failure;  ///< a check has hit its threshold
  };

  /// Registers the handlers of both kinds of change. Engine and reaper must outlive this object.
  Manager(base::IoContext& loop, state::Engine& engine, process::Reaper& reaper, Hooks hooks);
  ~Manager();
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  /// Fits the checks to a plan (contract 06, section 3.8): at the daemon's start and after each update.
  void plan_changed(const layers::Plan& plan);
  /// Starts every inactive check that is enabled (contract 06, section 3.9); called before the replan change is made.
  void replan();
  /// The checks that `replan` would start, in byte order.
  std::vector<std::string> preview_replan() const;

  /// Starts inactive checks; returns the names that did change, sorted. 400 when a name isn't in the plan, and then nothing is
  /// done.
  base::Result<std::vector<std::string>> start(const std::vector<std::string>& names);
  /// Stops active checks; otherwise like `start`. Runs in flight are cut short and count neither way.
  base::Result<std::vector<std::string>> stop(const std::vector<std::string>& names);

  /// Runs a check now (contract 06, section 3.10); 404 when there is none. An active check's run goes on when the caller is
  /// cancelled, an inactive one's is cut short.
  base::Task<base::Result<RefreshAnswer>> refresh(std::string name);

  /// All checks in the byte order of their names.
  std::vector<CheckInfo> infos() const;
  std::vector<CheckMetrics> metrics() const;
  /// Whether no selected check is down. `level`: "" (all), "alive" or "ready" (both levels); `names` empty: all.
  bool healthy(std::string_view level, const std::vector<std::string>& names) const;

  /// The daemon ends: commands are killed, runs are cut short, refreshes are answered, changes end as done. Returns when all that
  /// has happened, or `limit` is over.
  base::Task<void> shut_down(base::Nanoseconds limit);

 private:
  struct Refresh;
  struct Run;
  struct Entry;
  using EntryPtr = std::shared_ptr<Entry>;
  enum class Wake { tick, refresh, ended };

  void activate(Entry& entry);
  void deactivate(Entry& entry);
  void add_change(Entry& entry, bool recovering);
  void abort_change(const std::string& change_id);
  void fit(const EntryPtr& entry, CheckConfig config);
  base::Result<std::vector<EntryPtr>> find_all(const std::vector<std::string>& names, std::string_view action) const;

  base::Task<state::TaskResult> drive(state::TaskRun& task, bool recovering);
  bool drives(const Entry& entry, state::TaskRun& task) const;
  base::Task<Wake> next_wake(state::TaskRun& task, Entry& entry, const Ticker& ticker);
  base::Task<std::optional<ProbeResult>> run_watched(state::TaskRun& task, Entry& entry);
  base::Task<void> run_into(std::shared_ptr<Run> run);
  void left(Entry& entry, const std::string& change_id, std::shared_ptr<Refresh> refresh);
  std::optional<state::TaskResult> settle(state::TaskRun& task, Entry& entry, const ProbeResult& result);
  std::optional<state::TaskResult> settle_success(state::TaskRun& task, Entry& entry);
  std::optional<state::TaskResult> settle_failure(state::TaskRun& task, Entry& entry, const ProbeError& error);
  base::Task<base::Result<RefreshAnswer>> refresh_inactive(EntryPtr entry);

  base::IoContext& loop_;
  state::Engine& engine_;
  Hooks hooks_;
  Prober prober_;
  std::map<std::string, EntryPtr, std::less<>> entries_;
  std::map<std::string, EntryPtr, std::less<>> by_change_;
  base::Event shutting_down_event_;
  base::Event driver_left_;
  bool shutting_down_ = false;
};

}  // namespace cobble::checks
