#pragma once

#include <cstdint>

namespace cobble::checks {

/// What a run of a check changes in its standing (contract 06, section 3.1). Pure: results go in, transitions come out.
class CheckCounter {
 public:
  enum class Transition {
    none,
    went_down,  ///< consecutive failures have just reached the threshold
    recovered   ///< the first success while down
  };

  /// `threshold` below 1 counts as 1.
  explicit CheckCounter(std::int64_t threshold = 1) { set_threshold(threshold); }

  Transition succeed();
  Transition fail();
  /// Up, with nothing counted.
  void reset();
  /// Takes a new threshold without touching what was counted.
  void set_threshold(std::int64_t threshold) { threshold_ = threshold < 1 ? 1 : threshold; }

  bool down() const { return down_; }
  /// Successes since the start or the last recovery; failures don't reset them.
  std::int64_t successes() const { return successes_; }
  /// Consecutive failures, growing on while down.
  std::int64_t failures() const { return failures_; }
  std::int64_t threshold() const { return threshold_; }

 private:
  std::int64_t threshold_ = 1;
  std::int64_t successes_ = 0;
  std::int64_t failures_ = 0;
  bool down_ = false;
};

}  // namespace cobble::checks
