#include "daemon/state/notice_book.h"

#include <algorithm>

#include "daemon/state/render.h"

namespace cobble::state {

namespace {

constexpr std::string_view change_update = "change-update";
constexpr std::string_view warning = "warning";

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
  for (Notice& notice : notices) {
    if (is_expired(notice, now)) continue;
    Key key{notice.user_id, notice.type, notice.key};
    if (by_key_.contains(key) || by_id_.contains(notice.id)) continue;
    if (notice.type == warning) ++warnings_;
    std::string id = notice.id;
    const auto place = by_id_.emplace(std::move(id), Entry{std::move(notice), {}}).first;
    by_key_[std::move(key)] = place;
  }
}

std::string NoticeBook::add(std::optional<std::uint32_t> user_id, std::string_view type, std::string_view key,
                            std::map<std::string, std::string> data, Nanoseconds repeat_after, WallTime now) {
  if (now == last_time_) now += Nanoseconds(1);  // `after` filters tell notices apart by their times
  last_time_ = now;
  Key identity{user_id, std::string(type), std::string(key)};
  auto found = by_key_.find(identity);
  bool repeated = true;
  if (found == by_key_.end()) {
    Notice notice;
    notice.id = std::to_string(++last_id_);
    notice.user_id = user_id;
    notice.type = type;
    notice.key = key;
    notice.first_occurred = now;
    notice.expire_after = expire_after;
    if (type == warning) ++warnings_;
    std::string id = notice.id;
    const auto place = by_id_.emplace(std::move(id), Entry{std::move(notice), {}}).first;
    found = by_key_.emplace(std::move(identity), place).first;
  } else {
    const Notice& notice = found->second->second.notice;
    repeated = repeat_after == Nanoseconds(0) || now > add_clamped(notice.last_repeated, repeat_after);
  }
  Entry& entry = found->second->second;
  Notice& notice = entry.notice;
  ++notice.occurrences;
  notice.last_occurred = now;
  if (repeated) notice.last_repeated = now;
  notice.last_data = std::move(data);
  notice.repeat_after = repeat_after;
  entry.json.clear();
  if (repeated) {
    for (Waiter& waiter : waiters_) {
      if (waiter.filter.matches(notice)) waiter.wake();
    }
  }
  std::string id = notice.id;
  changed();
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
  if (result.notices > 0) changed();
  return result;
}

void NoticeBook::forget_change(std::string_view change_id) {
  const auto found = by_key_.find(Key{std::nullopt, std::string(change_update), std::string(change_id)});
  if (found == by_key_.end()) return;
  erase(found->second);
  changed();
}

void NoticeBook::erase(Entries::iterator place) {
  const Notice& notice = place->second.notice;
  if (notice.type == warning) --warnings_;
  by_key_.erase(Key{notice.user_id, notice.type, notice.key});
  by_id_.erase(place);
}

void NoticeBook::append_json(std::string& out, WallTime now) const {
  out += '[';
  bool first = true;
  for (const auto& [id, entry] : by_id_) {
    if (is_expired(entry.notice, now)) continue;
    if (entry.json.empty()) entry.json = notice_json(entry.notice);
    if (!first) out += ',';
    first = false;
    out += entry.json;
  }
  out += ']';
}

void NoticeBook::changed() {
  if (on_change_) on_change_();
}

}  // namespace cobble::state
