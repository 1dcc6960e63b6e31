#pragma once

#include "layers/plan.h"

namespace cobble::services {

using layers::Nanoseconds;

/// The growing waits between restarts of one service (contract 02, section 3.5). A value without clock or chance.
class Backoff {
 public:
  /// Goes one step on and returns the wait, without the random extra: the delay, then factor times as much each time, up to the
  /// limit. The first wait isn't capped.
  Nanoseconds step(const layers::Service& config);
  /// Back to the beginning.
  void reset();
  /// Steps since the last reset.
  int count() const { return count_; }

 private:
  int count_ = 0;
  Nanoseconds wait_{0};
};

}  // namespace cobble::services
