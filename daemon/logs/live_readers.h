#pragma once

#include <chrono>
#include <optional>
#include <unordered_map>

#include "daemon/base/time.h"
#include "daemon/logs/entries.h"
#include "daemon/logs/service_log.h"

namespace cobble::logs {

/// How long the beginning of a line waits for its end before live readers get it as an entry of its own: long enough for what a
/// program writes in blocks, also when it has to wait for a busy processor; short enough for prompts and progress dots (contract
/// 07, quirk Q2: a second at most).
inline constexpr base::Nanoseconds growing_line_wait = std::chrono::milliseconds(800);

/// The readers of somebody who gets the output of many services as it comes.
class LiveReaders {
 public:
  /// The reader of a log; a new one begins at the oldest line.
  Reader& of(ServiceLog& log) { return state(log).reader; }
  bool has(const ServiceLog& log) const { return states_.contains(&log); }
  void forget(const ServiceLog& log);

  /// Goes on with a reader from elsewhere.
  void adopt(ServiceLog& log, Reader reader);

  /// Reads what is complete, and what has been growing for long enough: `sink(entry)` gets each entry as long as `room()`. False
  /// when there was no room for all.
  template <typename Room, typename Sink>
  bool drain(ServiceLog& log, base::SteadyTime now, Room room, Sink sink) {
    State& s = state(log);
    const bool growing = s.due && *s.due <= now;
    while (room()) {
      const auto entry = s.reader.next(log.buffer(), growing);
      if (!entry) {
        note_growing(s, s.reader.has_growing(log.buffer()), now);
        return true;
      }
      sink(*entry);
    }
    return false;
  }

  /// Whether a line waits for its end.
  bool growing() const { return growing_ > 0; }
  /// When `drain_due` has something to do; none when no line waits for its end.
  std::optional<base::SteadyTime> next_due() const;
  /// Calls `drain_one(log)` for each log whose growing line has waited long enough.
  template <typename DrainOne>
  void drain_due(base::SteadyTime now, DrainOne drain_one) {
    for (auto& [log, s] : states_)
      if (s.due && *s.due <= now) drain_one(*s.log);
  }

 private:
  struct State {
    ServiceLog* log;
    Reader reader;
    std::optional<base::SteadyTime> due;  ///< when the growing line has waited long enough
  };
  State& state(ServiceLog& log);
  void note_growing(State& state, bool growing, base::SteadyTime now);

  std::unordered_map<const ServiceLog*, State> states_;
  std::size_t growing_ = 0;  ///< logs with a growing line that waits
};

}  // namespace cobble::logs
