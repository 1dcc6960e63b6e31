#pragma once

#include <deque>
#include <optional>
#include <string>
#include <unordered_set>

#include "daemon/base/loop.h"
#include "daemon/logs/live_readers.h"
#include "daemon/logs/query.h"

namespace cobble::logs {

/// One client that gets new entries as lines of JSON, of the services that it asked for, also of those that start later. What it
/// doesn't take for a while stays in the services' buffers, and what gets overwritten there is marked; an admin's follower that
/// keeps reading may hold services back instead.
class Follower final : public Subscriber {
 public:
  /// Goes on where `history` stands. `wake` is notified when there is something to take.
  Follower(Manager& manager, base::Event& wake, Selection selection, bool may_hold, History& history);
  ~Follower() override;
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  /// The next lines to send, about 64 KiB at most; empty when there are none. The caller is taken to be sending them until it
  /// calls again.
  std::string take();
  /// When `take` should be called again although nothing came: a line waits for its end.
  base::SteadyTime next_due() const;

  void log_grew(ServiceLog& log) override;
  void log_removed(ServiceLog& log) override;
  bool holds_back(const ServiceLog& log) const override;

 private:
  void drain(ServiceLog& log);
  void note_lost(ServiceLog& log, std::uint64_t entries);
  bool making_progress() const;
  bool room() const;

  Manager& manager_;
  base::Event& wake_;
  Selection selection_;
  bool may_hold_;
  LiveReaders readers_;
  JsonLines json_;
  std::deque<std::string> blocks_;
  std::size_t buffered_ = 0;                       ///< bytes in `blocks_`
  std::unordered_set<ServiceLog*> lagging_;        ///< logs with entries for which there was no room
  bool losing_ = false;                            ///< entries were lost since there was last nothing left to take
  std::optional<base::SteadyTime> sending_since_;  ///< when the block in flight was taken
};

}  // namespace cobble::logs
