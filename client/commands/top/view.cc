#include "client/commands/top/view.h"

#include <algorithm>

namespace cobble::client::top {
namespace {

/// Whether a row belongs before another: numbers from the largest down, what is unknown last, names where all else is equal.
bool comes_before(const ServiceRow& a, const ServiceRow& b, Order order, std::int64_t now) {
  const auto by = [&](const auto& of_a, const auto& of_b) { return of_a != of_b ? of_a > of_b : a.info.name < b.info.name; };
  switch (order) {
    case Order::name:
      break;
    case Order::status:
      return a.info.current != b.info.current ? a.info.current < b.info.current : a.info.name < b.info.name;
    case Order::cpu:
      return by(a.cpu_percent, b.cpu_percent);
    case Order::memory:
      return by(a.info.details.memory_bytes, b.info.details.memory_bytes);
    case Order::restarts:
      return by(a.info.details.restarts, b.info.details.restarts);
    case Order::uptime:
      return by(uptime(a.info, now), uptime(b.info, now));
  }
  return a.info.name < b.info.name;
}

bool same_line(const LogLine& a, const LogLine& b) {
  return a.time.seconds == b.time.seconds && a.time.nanoseconds == b.time.nanoseconds && a.service == b.service &&
         a.message == b.message;
}

/// How many lines have come after the last one of `before`; all, if that is gone.
std::size_t new_lines(const std::vector<LogLine>& before, const std::vector<LogLine>& now) {
  if (before.empty()) return now.size();
  std::size_t count = 0;
  while (count < now.size() && !same_line(now[now.size() - 1 - count], before.back())) ++count;
  return count;
}

}  // namespace

void View::arrange() {
  std::ranges::sort(model_.services, [&](const ServiceRow& a, const ServiceRow& b) {
    return reversed_ ? comes_before(b, a, order_, model_.now) : comes_before(a, b, order_, model_.now);
  });
  const auto row = std::ranges::find(model_.services, chosen_name_, [](const ServiceRow& each) { return each.info.name; });
  chosen_ = row == model_.services.end() ? 0 : static_cast<std::size_t>(row - model_.services.begin());
}

void View::take(Model model) {
  if (back_ > 0) back_ = std::min(back_ + new_lines(model_.log, model.log), model.log.size());
  model_ = std::move(model);
  arrange();
}

void View::press(Key key, std::size_t page) {
  const std::size_t count = model_.services.size();
  switch (key) {
    case Key::quit:
      quits_ = true;
      return;
    case Key::up:
      if (chosen_ > 0) --chosen_;
      break;
    case Key::down:
      if (chosen_ + 1 < count) ++chosen_;
      break;
    case Key::older:
      back_ = std::min(back_ + std::max<std::size_t>(page, 1), model_.log.size() > page ? model_.log.size() - page : 0);
      return;
    case Key::newer:
      back_ -= std::min(back_, std::max<std::size_t>(page, 1));
      return;
    case Key::newest:
      back_ = 0;
      return;
    case Key::filter:
      back_ = 0;
      log_of_ = log_of_.empty() && count > 0 ? model_.services[chosen_].info.name : std::string();
      return;
    case Key::sort:
      order_ = static_cast<Order>((static_cast<int>(order_) + 1) % order_count);
      arrange();
      return;
    case Key::reverse:
      reversed_ = !reversed_;
      arrange();
      return;
  }
  if (count > 0) chosen_name_ = model_.services[chosen_].info.name;
}

}  // namespace cobble::client::top
