#include "daemon/logs/follower.h"

#include <chrono>

#include "daemon/base/log.h"
#include "layers/quote.h"

namespace cobble::logs {

namespace {

constexpr std::size_t block_size = 64 * 1024;
/// From here on services are held back, where that is allowed.
constexpr std::size_t hold_mark = 256 * 1024;
/// What one more read of a pipe may become beyond that.
constexpr std::size_t reserve = 1280 * 1024;
/// A client that takes longer for one block makes no progress.
constexpr base::Nanoseconds progress_limit = std::chrono::milliseconds(250);

}  // namespace

Follower::Follower(Manager& manager, base::Event& wake, Selection selection, bool may_hold, History& history)
    : manager_(manager), wake_(wake), selection_(std::move(selection)), may_hold_(may_hold) {
  for (auto& source : history.take_sources()) readers_.adopt(*source.log, std::move(source.reader));
  manager_.add(*this);
  for (const auto& [name, log] : manager_.all()) log_grew(*log);
}

Follower::~Follower() {
  buffered_ = 0;
  manager_.remove(*this);
}

bool Follower::making_progress() const {
  return !sending_since_ || std::chrono::steady_clock::now() - *sending_since_ < progress_limit;
}

bool Follower::room() const {
  return buffered_ < hold_mark || (may_hold_ && buffered_ < hold_mark + reserve && making_progress());
}

bool Follower::holds_back(const ServiceLog& log) const {
  return may_hold_ && buffered_ >= hold_mark && readers_.has(log) && making_progress();
}

void Follower::log_grew(ServiceLog& log) {
  if (!readers_.has(log) && !selection_.empty() && !selection_.contains(log.name())) return;
  drain(log);
}

void Follower::log_removed(ServiceLog& log) {
  drain(log);
  readers_.forget(log);
  lagging_.erase(&log);
}

void Follower::drain(ServiceLog& log) {
  const std::size_t before = buffered_;
  Reader& reader = readers_.of(log);
  const std::uint64_t lost_before = reader.lost();
  const auto take_entry = [&](const Entry& entry) {
    if (blocks_.empty() || blocks_.back().size() >= block_size) blocks_.emplace_back();
    const std::size_t size = blocks_.back().size();
    json_.append(blocks_.back(), log.name(), entry);
    buffered_ += blocks_.back().size() - size;
  };
  const bool done = readers_.drain(log, std::chrono::steady_clock::now(), [this] { return room(); }, take_entry);
  if (!done) reader.skip_lost(log.buffer());
  if (reader.lost() > lost_before) note_lost(log, reader.lost() - lost_before);
  if (done) {
    lagging_.erase(&log);
  } else {
    lagging_.insert(&log);
  }
  if (buffered_ > before || readers_.growing()) wake_.notify_all();
}

void Follower::note_lost(ServiceLog& log, std::uint64_t entries) {
  log.count_lost(entries);
  // Once until it has caught up.
  if (!std::exchange(losing_, true))
    base::log("Follower is too slow for the output of service " + layers::quote(log.name()) + ", which loses lines for it");
}

std::string Follower::take() {
  sending_since_.reset();
  readers_.drain_due(std::chrono::steady_clock::now(), [this](ServiceLog& log) { drain(log); });
  if (blocks_.empty()) {
    losing_ = false;
    return {};
  }
  std::string block = std::move(blocks_.front());
  blocks_.pop_front();
  buffered_ -= block.size();
  sending_since_ = std::chrono::steady_clock::now();
  for (ServiceLog* log : std::unordered_set(lagging_)) drain(*log);
  if (buffered_ < hold_mark) manager_.check_holds();
  return block;
}

base::SteadyTime Follower::next_due() const {
  return readers_.next_due().value_or(base::SteadyTime::max());
}

}  // namespace cobble::logs
