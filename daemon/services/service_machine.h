#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "daemon/base/time.h"
#include "daemon/services/backoff.h"
#include "layers/plan.h"

/// The life of one service (contract 02, section 3.1).
///
/// What is wanted and what is
///   A service has a wish (somebody wants it up, or nobody does) and a process (there is one, or none). The states are the pairs
///   of both that matter, and the few where time plays a part:
///
///     state         wanted  process   waits for                                      clients see
///     stopped       no      none      nothing                                        inactive
///     starting      yes     lives     the okay delay (1 s): then running             active
///     running       yes     lives     the backoff limit: then backoff is forgotten   active
///     terminating   no (*)  told      its end, or the kill delay: then killing       inactive
///     killing       no (*)  killed    its end, or the fail delay: the stop fails     inactive
///     backoff       yes     none      the wait: then a launch, straight to running   backoff
///     exited        no      none      nothing                                        error
///
///   (*) After a failed check the process is ended in order to be started again (`restart_after_`). There is no state of being
///   launched: a launch is one step, and either there is a process after it or there isn't.
///
/// Interrupted transitions
///   - A stop in `starting` fails the start at once and goes on as any stop.
///   - A stop in `terminating` or `killing` changes nothing but the wish: a restart that was to follow doesn't. The stop wins.
///   - A start in `terminating` or `killing` is refused.
///   - An abort in `starting` fails the start at once and kills the process: `killing`, with nobody waiting.
///   - The process may end in any of the states that have one. In `starting` and `running` nobody asked for it and the plan's
///   action follows; a
///     start that waits fails. In `terminating` what is left of its group is waited for too, until the kill delay is over and it
///     is killed.
///   - When even SIGKILL doesn't end the process, the stop fails, and the service stays `killing` until the process ends, however
///   late: it
///     can't be started beside it.
///
/// Stale news
///   Each process has a launch number, and its end is told with it; an old one's is dropped. There is one deadline, which belongs
///   to the state and goes with it; a timer that comes early is dropped.
///
/// The machine has no I/O, no clock and no chance of its own: events and the time go in, actions come out and are to be carried
/// out in their order. For a Launch, `launched` or `launch_failed` must be called before any other event.
namespace cobble::services {

using base::SteadyTime;
using base::WallTime;

enum class State { stopped, starting, running, terminating, killing, backoff, exited };
/// The word that error texts use.
std::string_view state_word(State state);

/// What clients see.
enum class Current { inactive, active, backoff, error };
std::string_view current_word(Current current);

/// Why the daemon is asked to end.
enum class ShutdownKind { success, failure, check_failure };

/// How long a process must live after a start task launched it.
inline constexpr Nanoseconds okay_delay = std::chrono::seconds(1);
/// How long after SIGKILL a stop is declared failed.
inline constexpr Nanoseconds fail_delay = std::chrono::seconds(5);
/// What a shorter kill delay is taken for, so that a process has a moment to obey.
inline constexpr Nanoseconds shortest_kill_delay = std::chrono::milliseconds(5);

/// Create a process with the configuration, then call `launched` or `launch_failed`.
struct Launch {
  std::uint64_t number;
};
/// Signal the process's whole group.
struct SignalGroup {
  int signal;
};
/// The start task that waits is through; `error` empty: well.
struct FinishStart {
  std::string error;
  bool with_output = false;  ///< the newest output belongs to the task's log
};
/// The stop task that waits is through; `error` empty: well.
struct FinishStop {
  std::string error;
};
/// A line for the daemon's log.
struct Log {
  std::string text;
};
struct Shutdown {
  ShutdownKind kind;
};
using Action = std::variant<Launch, SignalGroup, FinishStart, FinishStop, Log, Shutdown>;
using Actions = std::vector<Action>;

/// Both clocks at one moment.
struct Moment {
  SteadyTime steady;
  WallTime wall;
};

/// What a task's request meets.
struct Reply {
  enum class Kind { done, failed, wait } kind = Kind::done;
  std::string text;  ///< done: a word for the task's log, if any; failed: the error
};

class ServiceMachine {
 public:
  /// `jitter` gives the random extra of a backoff, 0 to 0.1 of the wait.
  ServiceMachine(std::string name, std::function<double()> jitter);

  // Events.

  /// A start task runs, with the plan's configuration of now, which is adopted in any case. On `wait` the task ends with
  /// FinishStart.
  Reply start(const layers::Service& config, Actions& out);
  /// A stop task runs. On `wait` the task ends with FinishStop.
  Reply stop(Moment now, Actions& out);
  /// The change of the start task that waits is aborted.
  void abort_start(Moment now, Actions& out);
  void launched(pid_t pid, Moment now);
  /// The error is the whole text, as the task or the log shows it.
  void launch_failed(std::string error, Moment now, Actions& out);
  /// The process of a launch has ended; `leftovers`: others of its group live on.
  void process_ended(std::uint64_t launch, int code, bool leftovers, Moment now, Actions& out);
  /// Nothing is left of the group of a launch.
  void group_ended(std::uint64_t launch, Moment now, Actions& out);
  /// A check whose failure this service acts upon has failed.
  void check_failed(const std::string& check, Moment now, Actions& out);
  /// The deadline may have passed.
  void timer(Moment now, Actions& out);
  /// A replan brings a new configuration.
  void adopt(const layers::Service& config) { config_ = config; }
  /// The daemon ends: what is being ended isn't started again.
  void forget_restart() { restart_after_ = false; }

  // What is.

  const std::string& name() const { return name_; }
  State state() const { return state_; }
  Current current() const { return current_; }
  /// When `current` changed last; none before the first event that counts.
  const std::optional<WallTime>& current_since() const { return current_since_; }
  /// When `timer` wants to be called.
  const std::optional<SteadyTime>& deadline() const { return deadline_; }
  /// Whether a start now would launch a process.
  bool would_launch() const { return state_ == State::stopped || state_ == State::backoff || state_ == State::exited; }
  /// Whether there is a process, or something of its group that is waited for.
  bool has_process() const;
  /// Whether the process itself lives, as far as is known. 0: none.
  pid_t pid() const { return pid_; }
  std::uint64_t launch_number() const { return launch_; }
  /// The configuration adopted last.
  const layers::Service& config() const { return config_; }
  /// The configuration that a replan has to compare: what the process was launched with, or else what was adopted last.
  const layers::Service& effective_config() const { return has_process() ? launched_config_ : config_; }
  /// Processes launched successfully.
  std::uint64_t start_count() const { return start_count_; }
  /// Of these, those that the service got by itself (backoff).
  std::uint64_t restarts() const { return restarts_; }
  const std::optional<int>& last_exit_code() const { return last_exit_code_; }
  const std::string& last_error() const { return last_error_; }
  /// When a service in backoff is launched again.
  const std::optional<WallTime>& next_restart() const { return next_restart_; }

 private:
  void enter(State state, Moment now);
  void set_deadline(Moment now, Nanoseconds delay);
  void begin_end(Moment now, Actions& out);
  void process_gone(Moment now, Actions& out);
  void unexpected_end(int code, Moment now, Actions& out);
  void enter_backoff(std::string_view cause, Moment now, Actions& out);
  void kill(Moment now, Actions& out);
  void log(Actions& out, std::string_view text) const;
  Nanoseconds kill_delay() const;

  std::string name_;
  std::function<double()> jitter_;
  layers::Service config_;
  layers::Service launched_config_;
  State state_ = State::stopped;
  Current current_ = Current::inactive;
  std::optional<WallTime> current_since_;
  std::optional<SteadyTime> deadline_;
  Backoff backoff_;
  std::uint64_t launch_ = 0;
  SteadyTime launched_at_{};
  pid_t pid_ = 0;
  bool by_start_task_ = false;  ///< the launch under way is a start task's
  bool leader_gone_ = false;    ///< the process has ended, its group hasn't
  bool restart_after_ = false;  ///< terminating, killing: a failed check wants it up again
  bool stop_waits_ = false;     ///< terminating, killing: a stop task waits
  bool stop_failed_ = false;    ///< killing: the fail delay is over
  std::uint64_t start_count_ = 0;
  std::uint64_t restarts_ = 0;
  std::optional<int> last_exit_code_;
  std::string last_error_;
  std::optional<WallTime> next_restart_;
};

}  // namespace cobble::services
