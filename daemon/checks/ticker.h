#pragma once

#include "daemon/base/time.h"

namespace cobble::checks {

/// When a check's runs are due (contract 06, section 3.2): a fixed period from a start, without drift. A tick that passes during
/// a run is kept, one at most, and served right after it. Pure: the time is given.
class Ticker {
 public:
  /// `period` below one millisecond counts as one millisecond.
  Ticker(base::Nanoseconds period, base::SteadyTime now) : period_(period < shortest ? shortest : period), next_(now + period_) {}

  /// When the next run is due; in the past when a tick is kept.
  base::SteadyTime next() const { return next_; }
  bool due(base::SteadyTime now) const { return next_ <= now; }
  /// A run begins for a due tick; further ticks that have passed are lost.
  void serve(base::SteadyTime now) { next_ += period_ * ((now - next_) / period_ + 1); }
  /// The clock begins anew: the next run is due one period from now.
  void restart(base::SteadyTime now) { next_ = now + period_; }

 private:
  static constexpr base::Nanoseconds shortest = std::chrono::milliseconds(1);

  base::Nanoseconds period_;
  base::SteadyTime next_;
};

}  // namespace cobble::checks
