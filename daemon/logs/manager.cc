#include "daemon/logs/manager.h"

#include <algorithm>

#include "daemon/logs/forwarding/forwarder.h"
#include "daemon/logs/stdout_copy.h"

namespace cobble::logs {

Manager::Manager(base::IoContext& loop) : loop_(loop) {}

Manager::~Manager() {
  forwarder_.reset();
  if (copy_) remove(*copy_);
}

ServiceLog& Manager::service(std::string_view name) {
  const auto found = logs_.find(name);
  if (found != logs_.end()) return *found->second;
  auto log = std::make_shared<ServiceLog>(loop_, std::string(name), subscribers_);
  return *logs_.emplace(std::string(name), std::move(log)).first->second;
}

ServiceLog* Manager::find(std::string_view name) {
  const auto found = logs_.find(name);
  return found == logs_.end() ? nullptr : found->second.get();
}

void Manager::forget(std::string_view name) {
  const auto found = logs_.find(name);
  if (found == logs_.end()) return;
  for (Subscriber* subscriber : subscribers_) subscriber->log_removed(*found->second);
  logs_.erase(found);
}

void Manager::add(Subscriber& subscriber) {
  subscribers_.push_back(&subscriber);
}

void Manager::remove(Subscriber& subscriber) {
  std::erase(subscribers_, &subscriber);
  check_holds();
}

void Manager::check_holds() {
  for (const auto& [name, log] : logs_) log->check_hold();
}

void Manager::plan_changed(const layers::Plan& plan) {
  if (!forwarder_ && plan.log_targets.empty()) return;
  if (!forwarder_) forwarder_ = std::make_unique<forwarding::Forwarder>(loop_, *this);
  forwarder_->plan_changed(plan);
}

base::Task<void> Manager::stop(base::Nanoseconds limit) {
  if (forwarder_) co_await forwarder_->stop(limit);
  if (!copy_) co_return;
  remove(*copy_);
  copy_.reset();
}

std::vector<forwarding::TargetStatus> Manager::target_status() const {
  return forwarder_ ? forwarder_->status() : std::vector<forwarding::TargetStatus>();
}

void Manager::copy_to(int fd) {
  if (copy_) return;
  copy_ = std::make_unique<StdoutCopy>(fd);
  add(*copy_);
}

}  // namespace cobble::logs
