#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "daemon/base/time.h"

namespace cobble::base {

/// Writes blocks of text to a descriptor that others share (stderr, stdout) from a thread of its own. The descriptor stays
/// blocking; a stalled reader stalls only this thread. The queue is bounded; what does not fit is dropped whole and counted.
class FdWriter {
 public:
  /// `fd` is not owned. `limit`: bytes queued at most.
  FdWriter(int fd, std::size_t limit);
  ~FdWriter();
  FdWriter(const FdWriter&) = delete;
  FdWriter& operator=(const FdWriter&) = delete;

  /// Queues a block whole, or drops it whole and counts it. Any thread; never blocks on the descriptor.
  bool write(std::string_view block);
  /// Waits until the queue is empty, at most `limit`, then ends the thread (abandoning a write that never ends).
  void stop(Nanoseconds limit);
  /// Bytes queued so far; with `written` it tells when a block is through.
  std::uint64_t position() const;
  /// Whether everything up to a position has been handed to the descriptor.
  bool written(std::uint64_t position) const;
  /// Blocks dropped so far.
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace cobble::base
