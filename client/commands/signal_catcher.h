#pragma once

#include <csignal>
#include <span>

#include "client/api/connection.h"

namespace cobble::client {

/// Collects signals instead of letting them act, for as long as it lives; those that nobody took are forgotten at its end.
class SignalCatcher {
 public:
  explicit SignalCatcher(std::span<const int> numbers);
  SignalCatcher(const SignalCatcher&) = delete;
  SignalCatcher& operator=(const SignalCatcher&) = delete;
  ~SignalCatcher();

  /// Readable when there is one.
  int fd() const { return fd_.get(); }
  /// The number of the next signal, 0 if there is none.
  int next();

 private:
  sigset_t before_{};
  FileDescriptor fd_;
};

}  // namespace cobble::client
