#pragma once

#include <chrono>
#include <csignal>

#include "client/api/connection.h"

namespace cobble::client {

/// Makes Ctrl-C something to look at instead of the end of the program, for as long as it lives.
class Interrupt {
 public:
  Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt();

  /// Readable after Ctrl-C.
  int fd() const { return fd_.get(); }
  /// Whether there was one since the last call; waits for it for at most `span`.
  bool happened(std::chrono::milliseconds span = std::chrono::milliseconds(0));

 private:
  sigset_t before_{};
  FileDescriptor fd_;
};

}  // namespace cobble::client
