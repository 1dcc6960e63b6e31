#include "daemon/logs/service_log.h"

#include <algorithm>
#include <chrono>

namespace cobble::logs {

namespace {

/// The most that a service may be held in any window of the meter.
constexpr base::Nanoseconds hold_limit = std::chrono::seconds(2);
/// While a service is held it is looked at this often whether the holder still makes progress.
constexpr base::Nanoseconds hold_check = std::chrono::milliseconds(100);
/// Subscribers hear of output in steps of this size: even as empty lines it can't overwrite what they haven't seen.
constexpr std::size_t notify_step = 2 * 1024;

base::Nanoseconds elapsed(base::SteadyTime from, base::SteadyTime to) {
  return std::chrono::duration_cast<base::Nanoseconds>(to - from);
}

std::int64_t milliseconds(base::WallTime time) {
  return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

}  // namespace

void HoldMeter::add(base::SteadyTime begin, base::SteadyTime end) {
  while (begin < end) {
    const std::int64_t index = slot_of(begin);
    const base::SteadyTime slot_end(std::chrono::duration_cast<base::SteadyTime::duration>(slot * (index + 1)));
    const base::SteadyTime until = std::min(end, slot_end);
    Slot& entry = slots_[static_cast<std::size_t>(index) % slots];
    if (entry.index != index) entry = {index, base::Nanoseconds(0)};
    entry.held += elapsed(begin, until);
    begin = until;
  }
}

base::Nanoseconds HoldMeter::held(base::SteadyTime now) const {
  base::Nanoseconds sum{0};
  const std::int64_t oldest = slot_of(now) - static_cast<std::int64_t>(slots) + 1;
  for (const Slot& entry : slots_)
    if (entry.index >= oldest) sum += entry.held;
  return sum;
}

ServiceLog::ServiceLog(base::IoContext& loop, std::string name, const std::vector<Subscriber*>& subscribers)
    : name_(std::move(name)), buffer_(name_.size()), subscribers_(subscribers), hold_timer_(loop) {}

ServiceLog::~ServiceLog() = default;

void ServiceLog::end_output() {
  if (buffer_.empty() || !buffer_.line(buffer_.next_number() - 1).open) return;
  buffer_.end_line();
  notify();
}

void ServiceLog::append(std::span<const char> bytes, base::WallTime time) {
  const std::int64_t stamp = milliseconds(time);
  if (subscribers_.empty()) {
    buffer_.append(bytes, stamp);
    return;
  }
  while (!bytes.empty()) {
    const std::size_t size = std::min(bytes.size(), notify_step);
    buffer_.append(bytes.first(size), stamp);
    notify();
    bytes = bytes.subspan(size);
  }
}

void ServiceLog::notify() {
  for (Subscriber* subscriber : subscribers_) subscriber->log_grew(*this);
}

bool ServiceLog::held_back() {
  if (!waiting_.empty()) return true;
  if (std::ranges::none_of(subscribers_, [this](const Subscriber* s) { return s->holds_back(*this); })) return false;
  return !meter_ || meter_->held(std::chrono::steady_clock::now()) < hold_limit;
}

void ServiceLog::when_released(std::function<void()> resume) {
  waiting_.push_back(std::move(resume));
  if (waiting_.size() > 1) return;
  if (!meter_) meter_ = std::make_unique<HoldMeter>();
  held_since_ = std::chrono::steady_clock::now();
  watch_hold();
}

void ServiceLog::watch_hold() {
  const base::SteadyTime now = std::chrono::steady_clock::now();
  const base::Nanoseconds left = hold_limit - meter_->held(held_since_) - elapsed(held_since_, now);
  hold_timer_.start(std::min(left, hold_check), [this, last = left <= hold_check] {
    if (last) {
      release();
    } else {
      check_hold();
      if (!waiting_.empty()) watch_hold();
    }
  });
}

void ServiceLog::check_hold() {
  if (waiting_.empty()) return;
  if (std::ranges::none_of(subscribers_, [this](const Subscriber* s) { return s->holds_back(*this); })) release();
}

void ServiceLog::release() {
  hold_timer_.cancel();
  meter_->add(held_since_, std::chrono::steady_clock::now());
  for (const auto& resume : std::exchange(waiting_, {})) resume();
}

std::vector<std::string> ServiceLog::tail_lines(std::size_t count) const {
  const std::uint64_t end = buffer_.next_number();
  std::size_t wanted = count;
  if (end > buffer_.first_number() && !buffer_.terminated(buffer_.line(end - 1))) ++wanted;
  const auto there = static_cast<std::size_t>(end - buffer_.first_number());
  std::vector<std::string> lines;
  std::string scratch;
  for (std::uint64_t number = end - std::min(there, wanted); number < end; ++number) {
    const Line line = buffer_.line(number);
    lines.emplace_back(buffer_.bytes(line.begin, line.size(), scratch));
  }
  constexpr std::string_view blanks = " \t\r\n\v\f";
  while (!lines.empty()) {
    const std::size_t last = lines.back().find_last_not_of(blanks);
    lines.back().resize(last == std::string::npos ? 0 : last + 1);
    if (!lines.back().empty()) break;
    lines.pop_back();
  }
  if (lines.empty()) return {std::string()};
  if (there > wanted) lines.insert(lines.begin(), "(...)");
  return lines;
}

}  // namespace cobble::logs
