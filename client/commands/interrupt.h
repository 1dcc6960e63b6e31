#pragma once

#include <array>
#include <chrono>

#include "client/commands/signal_catcher.h"

namespace cobble::client {

/// Makes Ctrl-C something to look at instead of the end of the program, for as long as it lives.
class Interrupt {
 public:
  /// Readable after Ctrl-C.
  int fd() const { return catcher_.fd(); }
  /// Whether there was one since the last call; waits for it for at most `span`.
  bool happened(std::chrono::milliseconds span = std::chrono::milliseconds(0));

 private:
  SignalCatcher catcher_{std::array{SIGINT}};
};

}  // namespace cobble::client
