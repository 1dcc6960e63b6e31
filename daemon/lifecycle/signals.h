#pragma once

#include <functional>

#include "daemon/base/loop.h"

namespace cobble::lifecycle {

/// Blocks the signals that the daemon handles, so that those that come during start-up are kept, and ignores SIGPIPE. Called
/// first in `main`; `process::spawn` gives children a clean slate.
void hold_signals();

/// Reports SIGTERM, SIGINT and SIGQUIT on the loop (contract 09, section 2.7); SIGHUP and the like are taken and forgotten.
class StopSignals {
 public:
  StopSignals(base::IoContext& loop, std::function<void(int number)> on_stop);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// `terminated`, `interrupt`, `quit`, as log lines name them.
std::string_view signal_word(int number);

}  // namespace cobble::lifecycle
