#include "daemon/services/backoff.h"

#include <algorithm>

namespace cobble::services {

Nanoseconds Backoff::step(const layers::Service& config) {
  if (count_++ == 0) {
    wait_ = config.effective_backoff_delay();
    return wait_;
  }
  const auto limit = config.effective_backoff_limit();
  const double next = static_cast<double>(wait_.count()) * config.effective_backoff_factor();
  // As a number with a fraction the product may be beyond what a duration holds; the limit never is.
  wait_ = next < static_cast<double>(limit.count()) ? Nanoseconds(static_cast<std::int64_t>(next)) : limit;
  return wait_;
}

void Backoff::reset() {
  count_ = 0;
  wait_ = Nanoseconds(0);
}

}  // namespace cobble::services
