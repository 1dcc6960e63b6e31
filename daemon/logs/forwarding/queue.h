#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "daemon/logs/forwarding/entry.h"

namespace cobble::logs::forwarding {

/// Entries of one request.
inline constexpr std::size_t batch_entries = 100;
/// With more than this waiting, requests become larger.
inline constexpr std::size_t backlog_entries = 1000;
inline constexpr std::size_t backlog_batch_entries = 5000;
inline constexpr std::size_t backlog_batch_bytes = 1024 * 1024;

/// The entries that wait for one target, bounded in bytes; when full the oldest go, are counted, and a mark stands for them
/// (contract 07, section 2.5). No I/O, no clock.
class EntryQueue {
 public:
  static constexpr std::size_t default_limit = 4 * 1024 * 1024;
  using Dropped = std::function<void(const QueuedEntry&)>;
  /// `on_drop` hears of each entry that is dropped for lack of room; it may be empty.
  explicit EntryQueue(std::size_t limit = default_limit, Dropped on_drop = {}) : limit_(limit), on_drop_(std::move(on_drop)) {}

  void add(QueuedEntry entry);
  /// Removes the entries of the next request; before them one mark for each stream that lost some.
  std::vector<QueuedEntry> take_batch();
  /// Puts a batch back that wasn't taken by the target, or its rest; entries that there is no room for any more are dropped.
  void put_back(std::vector<QueuedEntry> batch);

  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  std::size_t bytes() const { return bytes_; }
  /// Three quarters full: whoever writes should wait, if that helps.
  bool nearly_full() const { return bytes_ >= limit_ - limit_ / 4; }
  /// Entries dropped so far for lack of room.
  std::uint64_t dropped() const { return dropped_; }

 private:
  void shrink();

  std::size_t limit_;
  Dropped on_drop_;
  std::deque<QueuedEntry> entries_;
  std::size_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
  std::map<std::shared_ptr<const Stream>, std::int64_t> gaps_;  ///< streams that lost entries, with the newest one's time
};

}  // namespace cobble::logs::forwarding
