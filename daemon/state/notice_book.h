#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "daemon/state/ids.h"
#include "daemon/state/pieces.h"
#include "daemon/state/records.h"

namespace cobble::state {

/// Which notices somebody may see and wants to see; all conditions hold together (contract 03 section 7.5).
struct NoticeFilter {
  /// Notices of these users and public ones; none: those of everybody.
  std::optional<std::uint32_t> user_id;
  std::vector<std::string> types;  ///< any of these; empty: all
  std::vector<std::string> keys;   ///< any of these; empty: all
  std::optional<WallTime> after;   ///< only those with a later `last_repeated`

  bool matches(const Notice& notice) const;
};

/// How many notices went with a pruning, and the range of their `last_occurred`.
struct NoticePrune {
  std::size_t notices = 0;
  WallTime first{};
  WallTime last{};
};

/// All notices, and the rules of their occurrences, expiry and pruning (contract 03 sections 6.5, 7 and 8). A value: times go in.
/// On the loop's thread only.
class NoticeBook {
 public:
  /// Notices live this long after their last occurrence.
  static constexpr Nanoseconds expire_after = std::chrono::hours(7 * 24);
  /// A warning is told again after this time.
  static constexpr Nanoseconds warning_repeat_after = std::chrono::hours(24);
  /// A pruning leaves this many.
  static constexpr std::size_t kept = 1000;
  /// At this many a pruning is due at once, so that memory has a bound.
  static constexpr std::size_t most = 4000;

  /// Somebody who waits for a new or repeated notice that matches. `wake` is called for each one, inside of `add`.
  struct Waiter {
    NoticeFilter filter;
    std::function<void()> wake;
  };
  using WaiterPlace = std::list<Waiter>::iterator;

  NoticeBook() = default;
  NoticeBook(const NoticeBook&) = delete;
  NoticeBook& operator=(const NoticeBook&) = delete;

  /// Takes over the notices of an earlier daemon; expired ones are left out. Once, before anything else.
  void load(std::vector<Notice> notices, std::int64_t last_id, WallTime now);
  /// Records an occurrence; the notice's id is returned. No user: public.
  std::string add(std::optional<std::uint32_t> user_id, std::string_view type, std::string_view key,
                  std::map<std::string, std::string> data, Nanoseconds repeat_after, WallTime now);
  /// Records a public warning, seen as `latest-warning` and by `pebble warnings` (contract 03 section 8).
  void add_warning(std::string_view text, WallTime now);

  /// The unexpired notices that match, oldest `last_repeated` first.
  std::vector<const Notice*> list(const NoticeFilter& filter, WallTime now) const;
  bool any(const NoticeFilter& filter, WallTime now) const;
  /// Also an expired one that isn't pruned yet; nullptr when there is none.
  const Notice* find(std::string_view id) const;
  /// The newest `last_repeated` of unexpired warnings.
  std::optional<WallTime> latest_warning(WallTime now) const;
  std::int64_t last_id() const { return last_id_; }
  std::size_t size() const { return by_id_.size(); }

  /// Forgets expired notices, `change-update` ones for which `change_exists` says no, and the oldest over `kept`.
  NoticePrune prune(const std::function<bool(std::string_view)>& change_exists, WallTime now);
  /// Forgets a change's notice.
  void forget_change(std::string_view change_id);

  WaiterPlace add_waiter(Waiter waiter) { return waiters_.insert(waiters_.end(), std::move(waiter)); }
  void remove_waiter(WaiterPlace place) { waiters_.erase(place); }

  /// Called after each modification; for the state file.
  void set_on_change(std::function<void()> on_change) { on_change_ = std::move(on_change); }
  /// The bytes of all unexpired notices for the state file, with commas in between; kept in blocks as long as nothing in a block
  /// changes.
  Pieces pieces(WallTime now) const;

 private:
  using Key = std::tuple<std::optional<std::uint32_t>, std::string, std::string>;
  struct Entry {
    Notice notice;
    std::int64_t block;  ///< notices next to each other by id share one
  };
  using Entries = std::map<std::string, Entry, IdLess>;

  Entries::iterator insert(Notice notice);
  void changed(std::int64_t block);
  void erase(Entries::iterator place);

  std::int64_t last_id_ = 0;
  Entries by_id_;
  std::map<Key, Entries::iterator> by_key_;
  std::int64_t inserted_ = 0;                     ///< counts, to form blocks
  mutable std::map<std::int64_t, Piece> blocks_;  ///< bytes; a missing one has to be made
  std::size_t warnings_ = 0;
  WallTime last_time_{};
  std::list<Waiter> waiters_;
  std::function<void()> on_change_;
};

/// Whether the notice has outlived its time.
bool is_expired(const Notice& notice, WallTime now);

}  // namespace cobble::state
