#include "client/commands/interrupt.h"

#include <poll.h>

namespace cobble::client {

bool Interrupt::happened(std::chrono::milliseconds span) {
  pollfd polled{fd(), POLLIN, 0};
  return poll(&polled, 1, static_cast<int>(span.count())) > 0 && catcher_.next() != 0;
}

}  // namespace cobble::client
