#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "daemon/base/time.h"

namespace cobble::logs::forwarding {

/// How long to wait after failures: from half a second to ten, doubling, a fifth of it by chance, or what the target asks for, up
/// to a minute. No clock.
class RetryDelay {
 public:
  /// After a failure; `chance` from 0 to 1, `asked`: the answer's Retry-After.
  base::Nanoseconds next(double chance, std::optional<base::Nanoseconds> asked) {
    const auto delay = next_;
    next_ = std::min(next_ * 2, longest);
    if (asked) return std::min(std::max(*asked, base::Nanoseconds(0)), longest_asked);
    return delay - std::chrono::duration_cast<base::Nanoseconds>(delay * (chance * 0.2));
  }
  void succeeded() { next_ = shortest; }

 private:
  static constexpr base::Nanoseconds shortest = std::chrono::milliseconds(500);
  static constexpr base::Nanoseconds longest = std::chrono::seconds(10);
  static constexpr base::Nanoseconds longest_asked = std::chrono::seconds(60);
  base::Nanoseconds next_ = shortest;
};

}  // namespace cobble::logs::forwarding
