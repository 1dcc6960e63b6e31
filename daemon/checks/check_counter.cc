#include "daemon/checks/check_counter.h"

namespace cobble::checks {

CheckCounter::Transition CheckCounter::succeed() {
  failures_ = 0;
  if (!down_) {
    ++successes_;
    return Transition::none;
  }
  down_ = false;
  successes_ = 1;
  return Transition::recovered;
}

CheckCounter::Transition CheckCounter::fail() {
  ++failures_;
  if (down_ || failures_ < threshold_) return Transition::none;
  down_ = true;
  return Transition::went_down;
}

void CheckCounter::reset() {
  successes_ = 0;
  failures_ = 0;
  down_ = false;
}

}  // namespace cobble::checks
