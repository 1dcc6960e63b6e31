#pragma once

#include <expected>
#include <set>
#include <string>
#include <string_view>

#include "daemon/base/loop.h"
#include "daemon/net/http_client.h"
#include "daemon/process/command_context.h"
#include "daemon/process/reaper.h"
#include "layers/plan.h"

/// One run of a check: http, tcp or exec.
namespace cobble::checks {

/// A check as it is run: the plan's settings with the service context worked in. Equal configurations don't restart a check
/// (contract 06, section 3.8).
struct CheckConfig {
  layers::Check check;
  process::CommandContext context;  ///< of exec checks
  bool operator==(const CheckConfig&) const = default;

  /// `HTTP`, `TCP` or `exec`, as summaries name it.
  std::string_view type() const;
};

/// `check` of `plan` with its service context.
CheckConfig resolve_config(const layers::Plan& plan, const layers::Check& check);

/// Why a run failed.
struct ProbeError {
  std::string message;
  std::string details;  ///< a few lines of output; empty: none
  /// `message; details`
  std::string text() const { return details.empty() ? message : message + "; " + details; }
};
using ProbeResult = std::expected<void, ProbeError>;

/// `check timed out after 400ms`
ProbeError timeout_error(const layers::Check& check);

/// Runs checks. Cancelling a run ends its connections and kills its command's process group.
class Prober {
 public:
  /// `reaper` must outlive this object.
  Prober(base::IoContext& loop, process::Reaper& reaper) : loop_(loop), reaper_(reaper), http_(loop), command_gone_(loop) {}
  /// Commands that still run are killed; the loop must not go on with their runs.
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  /// Runs once, within the effective timeout. `config` must outlive the run.
  base::Task<ProbeResult> run(const CheckConfig& config);

  /// Kills the commands of all runs and waits until they are gone, at most until `deadline`.
  base::Task<void> end_commands(base::SteadyTime deadline);

 private:
  class Command;

  base::Task<ProbeResult> run_http(const layers::Check& check);
  base::Task<ProbeResult> run_tcp(const layers::Check& check);
  base::Task<ProbeResult> run_exec(const CheckConfig& config);

  base::IoContext& loop_;
  process::Reaper& reaper_;
  net::HttpClient http_;
  base::Event command_gone_;
  std::set<Command*> commands_;  ///< that run
};

}  // namespace cobble::checks
