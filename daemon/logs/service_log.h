#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "daemon/base/loop.h"
#include "daemon/base/time.h"
#include "daemon/logs/ring_buffer.h"

namespace cobble::logs {

class ServiceLog;

/// What wants to know of new output at once: followers, log targets, the copy on stdout.
class Subscriber {
 public:
  virtual ~Subscriber() = default;
  /// Output has been stored (a few KiB at most since the last call), or a line has been ended.
  virtual void log_grew(ServiceLog& log) = 0;
  /// The log is about to be destroyed.
  virtual void log_removed(ServiceLog& log) = 0;
  /// Whether the service should wait, since this subscriber has no room for more just now but makes progress.
  virtual bool holds_back(const ServiceLog& log) const = 0;
};

/// How long something was held in the last ten seconds, to a tenth of a second (never less than it really was).
class HoldMeter {
 public:
  static constexpr base::Nanoseconds window = std::chrono::seconds(10);
  /// Adds a hold that ended at `end`; ends must not go back.
  void add(base::SteadyTime begin, base::SteadyTime end);
  /// What was held in the window before `now`.
  base::Nanoseconds held(base::SteadyTime now) const;

 private:
  static constexpr std::size_t slots = 101;
  static constexpr base::Nanoseconds slot = std::chrono::milliseconds(100);
  static std::int64_t slot_of(base::SteadyTime time) { return time.time_since_epoch() / slot; }

  struct Slot {
    std::int64_t index = -1;
    base::Nanoseconds held{0};
  };
  std::array<Slot, slots> slots_;
};

/// The output of one service, fed by whoever reads its pipe. All on the loop's thread.
///
/// The feeder asks `held_back` before each read. When true it leaves the pipe alone and calls `when_released`, whose callback
/// comes as soon as reading may go on, two seconds later at most. Any number of feeders may share a log.
class ServiceLog {
 public:
  /// `subscribers` belongs to the manager and outlives the log.
  ServiceLog(base::IoContext& loop, std::string name, const std::vector<Subscriber*>& subscribers);
  ~ServiceLog();
  ServiceLog(const ServiceLog&) = delete;
  ServiceLog& operator=(const ServiceLog&) = delete;

  const std::string& name() const { return name_; }
  const RingBuffer& buffer() const { return buffer_; }

  /// A process of the service is about to start: its output begins a line of its own.
  void begin_launch() { end_output(); }
  /// The pipe has come to its end, or will not be read any more: a line without end counts as complete.
  void end_output();
  /// Stores what was read from the pipe at `time`.
  void append(std::span<const char> bytes, base::WallTime time);

  /// Whether reading should pause: only while somebody who gets the log makes progress, and at most 2 s in any 10 s.
  bool held_back();
  /// Calls `resume` once, from the loop, when reading may go on.
  void when_released(std::function<void()> resume);
  /// Bytes that should be read at most at a time.
  std::size_t read_limit() const { return subscribers_.empty() ? 64 * 1024 : 16 * 1024; }
  /// A subscriber has room again: lets waiting feeders go on when nobody holds the log any more.
  void check_hold();

  /// Somebody who gets the log will never get that many of its entries.
  void count_lost(std::uint64_t entries) { lost_ += entries; }
  /// Entries that a follower or a log target missed so far, each one counted for itself.
  std::uint64_t lost() const { return lost_; }

  /// The newest `count` lines and a last one without line end, blanks at the end of all removed, `(...)` before them when there
  /// were more; one empty line when there was nothing (the excerpt of a task log, contract 07, section 2.7).
  std::vector<std::string> tail_lines(std::size_t count) const;

 private:
  void notify();
  void watch_hold();
  void release();

  std::string name_;
  RingBuffer buffer_;
  const std::vector<Subscriber*>& subscribers_;
  base::Timer hold_timer_;
  std::unique_ptr<HoldMeter> meter_;  ///< made at the first hold
  base::SteadyTime held_since_;
  std::vector<std::function<void()>> waiting_;
  std::uint64_t lost_ = 0;
};

}  // namespace cobble::logs
