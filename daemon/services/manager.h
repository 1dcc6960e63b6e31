#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/error.h"
#include "daemon/base/loop.h"
#include "daemon/logs/manager.h"
#include "daemon/process/reaper.h"
#include "daemon/services/actions.h"
#include "daemon/services/service.h"
#include "daemon/services/survivors.h"
#include "daemon/state/engine.h"
#include "layers/plan.h"

namespace cobble::services {

/// One entry of `GET /v1/services`.
struct ServiceInfo {
  std::string name;
  bool enabled = false;
  Current current = Current::inactive;
  std::optional<WallTime> current_since;
  bool known = false;  ///< what follows is there for known services only
  pid_t pid = 0;       ///< 0: no process
  std::optional<int> last_exit_code;
  std::uint64_t restarts = 0;
  std::optional<WallTime> next_restart;
  std::string last_error;
  bool has_log = false;  ///< what follows counts then
  std::uint64_t log_lines_overwritten = 0;
  std::uint64_t log_entries_lost = 0;

  bool operator==(const ServiceInfo&) const = default;
};

/// The main processes of those that have one, by service.
std::map<std::string, pid_t> processes_of(std::span<const ServiceInfo> services);

/// What metrics tell of a known service.
struct ServiceMetrics {
  std::string name;
  bool active = false;
  std::uint64_t start_count = 0;
};

/// How long the daemon's end may take all in all, unless told otherwise: less than the 30 s after which Kubernetes kills it.
inline constexpr base::Nanoseconds default_stop_limit = std::chrono::seconds(25);

/// Exit codes of the daemon (contract 02, section 3.4).
int exit_code(ShutdownKind kind);

/// Runs the plan's services (contract 02): makes changes of actions, runs their tasks, restarts what fails, ends everything at
/// the end. All on the loop's thread.
class Manager : private Surroundings {
 public:
  struct Hooks {
    /// A service asks the daemon to end with an exit code; called maybe more than once, the first counts.
    std::function<void(int exit_code)> shut_down;
    /// The JSON text that `save_survivors` got last, maybe in an earlier daemon; none when there is none.
    std::function<std::optional<std::string>()> load_survivors;
    /// Keeps a JSON text for the next daemon, in a file beside the state file; empty: there is nothing to keep.
    std::function<void(std::string json)> save_survivors;
  };

  /// Registers the handlers of `start` and `stop` tasks. `plan` gives the plan of now. What is referred to must outlive this
  /// object, and so must the engine's tasks.
  Manager(base::IoContext& loop, process::Reaper& reaper, state::Engine& engine, logs::Manager& logs,
          std::function<layers::PlanPtr()> plan, Hooks hooks);
  ~Manager() override;
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  /// Does `start`, `stop`, `restart`, `autostart` or `replan` (contract 02, section 2.3); the result is the change's id. Errors
  /// are those of the table there. For `replan` the caller replans checks as well.
  base::Result<std::string> act(std::string_view action, std::span<const std::string> names);

  /// What `replan` would do now; nothing is changed.
  base::Result<std::vector<ReplanStep>> preview_replan() const;

  /// The plan's services in byte order of name; `names` empty: all. Names that aren't in the plan are left out.
  std::vector<ServiceInfo> list(std::span<const std::string> names) const;
  /// Known services in byte order of name.
  std::vector<ServiceMetrics> metrics() const;

  /// Sends a signal to the main processes of services (contract 02, section 2.7). The error is the whole text.
  base::Result<void> signal(std::string_view signal_name, std::span<const std::string> names);

  /// A check has reached its failure threshold: services act upon it as their plan says.
  void check_failed(const std::string& check);

  /// Stops everything, by a change, within `limit`; what is left then gets SIGKILL at once. Nothing can be started any more.
  /// Returns when no process is left, or shortly after the limit.
  base::Task<void> shut_down(base::Nanoseconds limit = default_stop_limit);
  /// SIGKILLs everything that still lives: the second request to end.
  void hurry();

  /// Forgets inactive services that nobody looked at for long (contract 02, section 2.9). Happens every ten minutes by itself.
  void clean_up();

 private:
  using Services = std::map<std::string, std::shared_ptr<Service>, std::less<>>;

  base::IoContext& loop() override { return loop_; }
  process::Reaper& reaper() override { return reaper_; }
  Turns& turns() override { return turns_; }
  logs::ServiceLog& log(const std::string& service) override { return logs_.service(service); }
  void ask_shutdown(ShutdownKind kind) override { hooks_.shut_down(exit_code(kind)); }
  void process_changed(Service& service) override;
  double jitter() override;

  base::Result<state::NewChange> plan_action(std::string_view action, std::span<const std::string> names);
  base::Result<state::NewChange> replan();
  RunningServices running(const layers::Plan& plan) const;
  base::Task<state::TaskResult> run_start(state::TaskRun& run);
  base::Task<state::TaskResult> run_stop(state::TaskRun& run);
  base::Task<void> turn();
  base::Task<void> end_survivor_of(std::string name, base::Nanoseconds kill_delay);
  std::shared_ptr<Service> find(std::string_view name) const;
  Service& make_known(const std::string& name);
  bool all_ended() const;
  void save_marks();
  void arm_clean_up();

  base::IoContext& loop_;
  process::Reaper& reaper_;
  state::Engine& engine_;
  logs::Manager& logs_;
  std::function<layers::PlanPtr()> plan_;
  Hooks hooks_;
  Turns turns_;
  Services services_;
  bool ending_ = false;
  base::Event process_event_;
  ProcessMarks marks_;      ///< of this daemon's processes
  ProcessMarks survivors_;  ///< of an earlier daemon's
  base::Timer save_timer_;
  bool save_armed_ = false;
  base::Timer clean_up_timer_;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace cobble::services
