#include "daemon/logs/manager.h"

#include <algorithm>

#include "daemon/logs/stdout_copy.h"

namespace cobble::logs {

Manager::Manager(base::IoContext& loop) : loop_(loop) {}

Manager::~Manager() {
  end_copy();
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

void Manager::copy_to(int fd) {
  if (copy_) return;
  copy_ = std::make_unique<StdoutCopy>(fd);
  add(*copy_);
}

void Manager::end_copy() {
  if (!copy_) return;
  remove(*copy_);
  copy_.reset();
}

}  // namespace cobble::logs
