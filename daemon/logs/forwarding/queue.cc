#include "daemon/logs/forwarding/queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "daemon/logs/entries.h"

namespace cobble::logs::forwarding {

void EntryQueue::add(QueuedEntry entry) {
  bytes_ += entry.cost();
  entries_.push_back(std::move(entry));
  shrink();
}

std::vector<QueuedEntry> EntryQueue::take_batch() {
  const bool backlog = entries_.size() > backlog_entries;
  const std::size_t most = backlog ? backlog_batch_entries : batch_entries;
  std::vector<QueuedEntry> batch;
  for (const auto& [stream, time] : std::exchange(gaps_, {})) batch.push_back({time, stream, std::string(truncation_mark)});
  std::size_t taken = 0;
  while (!entries_.empty() && batch.size() < most && (taken == 0 || taken + entries_.front().cost() <= backlog_batch_bytes)) {
    taken += entries_.front().cost();
    batch.push_back(std::move(entries_.front()));
    entries_.pop_front();
  }
  bytes_ -= taken;
  return batch;
}

void EntryQueue::put_back(std::vector<QueuedEntry> batch) {
  for (const QueuedEntry& entry : batch) bytes_ += entry.cost();
  entries_.insert(entries_.begin(), std::make_move_iterator(batch.begin()), std::make_move_iterator(batch.end()));
  shrink();
}

void EntryQueue::shrink() {
  while (bytes_ > limit_ && entries_.size() > 1) {
    const QueuedEntry& oldest = entries_.front();
    bytes_ -= oldest.cost();
    std::int64_t& newest_lost = gaps_[oldest.stream];
    newest_lost = std::max(newest_lost, oldest.time);
    // A mark that came back is nothing that is lost.
    if (oldest.message != truncation_mark) {
      ++dropped_;
      if (on_drop_) on_drop_(oldest);
    }
    entries_.pop_front();
  }
}

}  // namespace cobble::logs::forwarding
