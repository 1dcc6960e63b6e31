#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "daemon/base/loop.h"

namespace cobble::services {

/// Lets one piece of work run in each turn of the loop, so that thousands of launches leave room for requests between them.
class Turns {
 public:
  explicit Turns(base::IoContext& loop);
  ~Turns();
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  /// Runs `work` on a later turn, in the order of the calls. Work that waits when this object ends is dropped.
  void push(std::function<void()> work);

 private:
  struct State;
  static void pump(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;
};

}  // namespace cobble::services
