#include "daemon/logs/live_readers.h"

#include <algorithm>

namespace cobble::logs {

LiveReaders::State& LiveReaders::state(ServiceLog& log) {
  const auto found = states_.find(&log);
  if (found != states_.end()) return found->second;
  return states_.emplace(&log, State{&log, Reader(log.buffer(), log.name()), std::nullopt}).first->second;
}

void LiveReaders::adopt(ServiceLog& log, Reader reader) {
  forget(log);
  states_.emplace(&log, State{&log, std::move(reader), std::nullopt});
}

void LiveReaders::forget(const ServiceLog& log) {
  const auto found = states_.find(&log);
  if (found == states_.end()) return;
  if (found->second.due) --growing_;
  states_.erase(found);
}

void LiveReaders::note_growing(State& state, bool growing, base::SteadyTime now) {
  if (growing == state.due.has_value() && !(state.due && *state.due <= now)) return;
  if (state.due) --growing_;
  state.due.reset();
  if (!growing) return;
  state.due = now + growing_line_wait;
  ++growing_;
}

std::optional<base::SteadyTime> LiveReaders::next_due() const {
  std::optional<base::SteadyTime> next;
  if (growing_ == 0) return next;
  for (const auto& [log, s] : states_)
    if (s.due && (!next || *s.due < *next)) next = s.due;
  return next;
}

}  // namespace cobble::logs
