#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/loop.h"
#include "daemon/logs/service_log.h"
#include "daemon/process/reaper.h"
#include "daemon/services/output_reader.h"
#include "daemon/services/service_machine.h"
#include "daemon/services/turns.h"

namespace cobble::services {

class Service;

/// What a service needs of its surroundings.
class Surroundings {
 public:
  virtual ~Surroundings() = default;
  virtual base::IoContext& loop() = 0;
  virtual process::Reaper& reaper() = 0;
  virtual Turns& turns() = 0;
  virtual logs::ServiceLog& log(const std::string& service) = 0;
  virtual void ask_shutdown(ShutdownKind kind) = 0;
  /// The service has got a process, or has lost it.
  virtual void process_changed(Service& service) = 0;
  /// A random number from 0 to 0.1.
  virtual double jitter() = 0;
};

/// The outcome of a task that waited.
struct Outcome {
  std::string error;  ///< empty: well
  bool with_output = false;
};

/// One known service: carries out what its machine decides. Decides nothing itself.
class Service : public std::enable_shared_from_this<Service> {
 public:
  /// `surroundings` must outlive this object.
  Service(std::string name, Surroundings& surroundings);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  const ServiceMachine& machine() const { return machine_; }

  /// See ServiceMachine. `workload`: the one that `config` names, if any. On `wait`, `finished` is called once, maybe before this
  /// returns.
  Reply start(const layers::Service& config, const layers::Workload* workload, std::function<void(Outcome)> finished);
  Reply stop(std::function<void(Outcome)> finished);
  void abort_start();
  void check_failed(const std::string& check);
  /// Takes a new configuration over, without a start.
  void adopt(const layers::Service& config, const layers::Workload* workload);
  /// The daemon ends: no restart follows any more.
  void forget_restart() { machine_.forget_restart(); }
  /// SIGKILL to the whole group, whatever state it is in.
  void kill_now();
  /// Signals the main process; the error is the text behind `cannot send signal to "x": `.
  std::expected<void, std::string> signal(int number, std::string_view name);
  /// The workload that the next launch will use.
  const std::optional<layers::Workload>& workload() const { return workload_; }
  /// The workload that a replan has to compare (see ServiceMachine::effective_config).
  const std::optional<layers::Workload>& effective_workload() const;
  /// The process's id while there is one, ended or not.
  pid_t leader() const { return leader_; }

 private:
  using Event = std::function<void(Actions&)>;
  /// Lets the machine decide, and carries out.
  void feed(const Event& event);
  void carry_out(const Action& action, Actions& more);
  void launch(std::uint64_t number, Actions& more);
  void process_ended(std::uint64_t launch, int code);
  void watch_group(std::uint64_t launch, base::Nanoseconds pause);
  void send(int signal);
  void arm_timer();
  static Moment now();

  Surroundings& surroundings_;
  ServiceMachine machine_;
  base::Timer timer_;
  base::Timer group_timer_;
  std::optional<SteadyTime> armed_;
  std::optional<layers::Workload> workload_;
  std::optional<layers::Workload> launched_workload_;
  pid_t leader_ = 0;  ///< leads the group that signals go to; 0: none
  bool leader_ended_ = false;
  std::vector<std::unique_ptr<OutputReader>> readers_;  ///< the newest last; older ones are being drained
  std::function<void(Outcome)> start_finished_;
  std::function<void(Outcome)> stop_finished_;
};

}  // namespace cobble::services
