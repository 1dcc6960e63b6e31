#include "daemon/state/notice_book.h"

#include <algorithm>

#include "daemon/state/render.h"

namespace cobble::state {

namespace {

constexpr std::string_view change_update = "change-update";
constexpr std::string_view warning = "warning";
constexpr std::int64_t block_size = 32;

/// `time + duration` without an overflow.
WallTime add_clamped(WallTime time, Nanoseconds duration) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(time.time_since_epoch().count(), duration.count(), &sum)) {
    return duration.count() > 0 ? WallTime::max() : WallTime::min();
  }
  return WallTime(Nanoseconds(sum));
}

bool contains(const std::vector<std::string>& list, std::string_view text) {
  return std::ranges::find(list, text) != list.end();
}

}  // namespace

bool is_expired(const Notice& notice, WallTime now) {
  return add_clamped(notice.last_occurred, notice.expire_after) < now;
}

bool NoticeFilter::matches(const Notice& notice) const {
  if (user_id && notice.user_id && *notice.user_id != *user_id) return false;
  if (!types.empty() && !contains(types, notice.type)) return false;
  if (!keys.empty() && !contains(keys, notice.key)) return false;
  return !after || notice.last_repeated > *after;
}

void NoticeBook::load(std::vector<Notice> notices, std::int64_t last_id, WallTime now) {
  last_id_ = last_id;
  // In the order of ids, so that neighbours share a block.
  std::ranges::sort(notices, [](const Notice& a, const Notice& b) { return IdLess()(a.id, b.id); });
  for (Notice& notice : notices) {
    if (is_expired(notice, now) || by_id_.contains(notice.id)) continue;
    if (by_key_.contains(Key{notice.user_id, notice.type, notice.key})) continue;
    insert(std::move(notice));
  }
}

NoticeBook::Entries::iterator NoticeBook::insert(Notice notice) {
  if (notice.type == warning) ++warnings_;
  Key key{notice.user_id, notice.type, notice.key};
  std::string id = notice.id;
  const auto place = by_id_.emplace(std::move(id), Entry{std::move(notice), inserted_++ / block_size}).first;
  by_key_.emplace(std::move(key), place);
  return place;
}

std::string NoticeBook::add(std::optional<std::uint32_t> user_id, std::string_view type, std::string_view key,
                            std::map<std::string, std::string> data, Nanoseconds repeat_after, WallTime now) {
  if (now == last_time_) now += Nanoseconds(1);  // `after` filters tell notices apart by their times
  last_time_ = now;
  const auto found = by_key_.find(Key{user_id, std::string(type), std::string(key)});
  bool repeated = true;
  Entries::iterator place;
  if (found == by_key_.end()) {
    Notice made;
    made.id = std::to_string(++last_id_);
    made.user_id = user_id;
    made.type = type;
    made.key = key;
    made.first_occurred = now;
    made.expire_after = expire_after;
    place = insert(std::move(made));
  } else {
    place = found->second;
    const Notice& old = place->second.notice;
    repeated = repeat_after == Nanoseconds(0) || now > add_clamped(old.last_repeated, repeat_after);
  }
  Notice& notice = place->second.notice;
  ++notice.occurrences;
  notice.last_occurred = now;
  if (repeated) notice.last_repeated = now;
  notice.last_data = std::move(data);
  notice.repeat_after = repeat_after;
  if (repeated) {
    for (Waiter& waiter : waiters_) {
      if (waiter.filter.matches(notice)) waiter.wake();
    }
  }
  std::string id = notice.id;
  changed(place->second.block);
  return id;
}

void NoticeBook::add_warning(std::string_view text, WallTime now) {
  add(std::nullopt, warning, text, {}, warning_repeat_after, now);
}

std::vector<const Notice*> NoticeBook::list(const NoticeFilter& filter, WallTime now) const {
  std::vector<const Notice*> result;
  for (const auto& [id, entry] : by_id_) {
    if (filter.matches(entry.notice) && !is_expired(entry.notice, now)) result.push_back(&entry.notice);
  }
  std::ranges::sort(result, [](const Notice* a, const Notice* b) {
    return a->last_repeated != b->last_repeated ? a->last_repeated < b->last_repeated : IdLess()(a->id, b->id);
  });
  return result;
}

bool NoticeBook::any(const NoticeFilter& filter, WallTime now) const {
  return std::ranges::any_of(
      by_id_, [&](const auto& item) { return filter.matches(item.second.notice) && !is_expired(item.second.notice, now); });
}

const Notice* NoticeBook::find(std::string_view id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &found->second.notice;
}

std::optional<WallTime> NoticeBook::latest_warning(WallTime now) const {
  std::optional<WallTime> latest;
  if (warnings_ == 0) return latest;
  for (const auto& [id, entry] : by_id_) {
    const Notice& notice = entry.notice;
    if (notice.type != warning || is_expired(notice, now)) continue;
    if (!latest || notice.last_repeated > *latest) latest = notice.last_repeated;
  }
  return latest;
}

NoticePrune NoticeBook::prune(const std::function<bool(std::string_view)>& change_exists, WallTime now) {
  NoticePrune result;
  const auto drop = [&](Entries::iterator place) {
    const WallTime time = place->second.notice.last_occurred;
    result.first = result.notices == 0 ? time : std::min(result.first, time);
    result.last = result.notices == 0 ? time : std::max(result.last, time);
    ++result.notices;
    erase(place);
  };
  for (auto place = by_id_.begin(); place != by_id_.end();) {
    const auto current = place++;
    const Notice& notice = current->second.notice;
    if (is_expired(notice, now) || (notice.type == change_update && !change_exists(notice.key))) drop(current);
  }
  if (by_id_.size() > kept) {
    std::vector<Entries::iterator> oldest;
    for (auto place = by_id_.begin(); place != by_id_.end(); ++place) oldest.push_back(place);
    std::ranges::sort(oldest, {}, [](Entries::iterator place) { return place->second.notice.last_occurred; });
    oldest.resize(by_id_.size() - kept);
    for (const auto place : oldest) drop(place);
  }
  return result;
}

void NoticeBook::forget_change(std::string_view change_id) {
  const auto found = by_key_.find(Key{std::nullopt, std::string(change_update), std::string(change_id)});
  if (found == by_key_.end()) return;
  erase(found->second);
}

void NoticeBook::erase(Entries::iterator place) {
  const Notice& notice = place->second.notice;
  const std::int64_t block = place->second.block;
  if (notice.type == warning) --warnings_;
  by_key_.erase(Key{notice.user_id, notice.type, notice.key});
  by_id_.erase(place);
  changed(block);
}

Pieces NoticeBook::pieces(WallTime now) const {
  Pieces result;
  CommaList list(result);
  for (auto place = by_id_.begin(); place != by_id_.end();) {
    const std::int64_t block = place->second.block;
    Piece& piece = blocks_[block];
    std::string text;
    for (; place != by_id_.end() && place->second.block == block; ++place) {
      if (piece || is_expired(place->second.notice, now)) continue;
      if (!text.empty()) text += ',';
      text += notice_json(place->second.notice);
    }
    if (!piece) piece = make_piece(std::move(text));
    if (!piece->empty()) list.add(piece);
  }
  return result;
}

void NoticeBook::changed(std::int64_t block) {
  blocks_.erase(block);
  if (on_change_) on_change_();
}

}  // namespace cobble::state
