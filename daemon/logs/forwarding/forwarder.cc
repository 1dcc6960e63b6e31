#include "daemon/logs/forwarding/forwarder.h"

#include <chrono>

#include "daemon/base/log.h"
#include "layers/quote.h"

namespace cobble::logs::forwarding {

namespace {

/// What a target that a plan change removed gets to send its queue.
constexpr base::Nanoseconds retire_limit = std::chrono::seconds(20);

bool same_place(const layers::LogTarget& a, const layers::LogTarget& b) {
  return a.type == b.type && a.location == b.location;
}

/// Whether a place is reached in the same way.
bool same_way(const layers::LogTarget& a, const layers::LogTarget& b) {
  return a.tls == b.tls && a.headers == b.headers && a.compression == b.compression;
}

}  // namespace

Forwarder::Forwarder(base::IoContext& loop, Manager& manager)
    : loop_(loop),
      manager_(manager),
      client_(std::make_shared<net::HttpClient>(loop)),
      endings_(std::make_shared<Endings>(loop)) {}

Forwarder::~Forwarder() {
  for (const auto& [name, running] : targets_) running.target->stop_reading();
}

void Forwarder::plan_changed(const layers::Plan& plan) {
  for (auto running = targets_.begin(); running != targets_.end();) {
    if (plan.log_targets.contains(running->first)) {
      ++running;
    } else {
      end(std::move(running->second.target), retire_limit);
      running = targets_.erase(running);
    }
  }
  for (const auto& [name, definition] : plan.log_targets) {
    const auto running = targets_.find(name);
    if (running == targets_.end()) {
      begin(plan, definition, nullptr);
    } else if (!same_place(running->second.definition, definition)) {
      const auto before = std::move(running->second.target);
      targets_.erase(running);
      end(before, retire_limit);
      begin(plan, definition, before.get());
    } else {
      change(running->second, definition);
      running->second.target->configure(plan, definition);
    }
  }
}

void Forwarder::change(Running& running, const layers::LogTarget& definition) {
  if (same_way(running.definition, definition)) return;
  // What waits goes the new way: often enough it waits because the old one was wrong.
  if (auto sender = make_sender(loop_, client_, definition)) running.target->use(std::move(*sender));
  running.definition = definition;
}

std::vector<TargetStatus> Forwarder::statuses() const {
  std::vector<TargetStatus> found;
  for (const auto& [name, running] : targets_) found.push_back(running.target->status());
  return found;
}

void Forwarder::begin(const layers::Plan& plan, const layers::LogTarget& definition, Target* before) {
  auto sender = make_sender(loop_, client_, definition);
  if (!sender) {
    base::log("Internal error: cannot create gatherer for target " + layers::quote(definition.name) +
              ": cannot create log client: " + sender.error());
    return;
  }
  auto target = std::make_shared<Target>(loop_, manager_, definition.name, std::move(*sender));
  target->configure(plan, definition);
  if (before != nullptr) target->take_over(*before);
  target->start();
  targets_[definition.name] = {definition, std::move(target)};
}

void Forwarder::end(std::shared_ptr<Target> target, base::Nanoseconds limit) {
  target->stop_reading();
  ++endings_->count;
  base::spawn(loop_, "end of a log target", end_one(endings_, std::move(target), limit));
}

base::Task<void> Forwarder::end_one(std::shared_ptr<Endings> endings, std::shared_ptr<Target> target, base::Nanoseconds limit) {
  co_await target->stop(limit);
  if (--endings->count == 0) endings->all_ended.notify_all();
}

base::Task<void> Forwarder::stop(base::Nanoseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (auto& [name, running] : targets_) end(std::move(running.target), limit);
  targets_.clear();
  if (endings_->count > 0) co_await endings_->all_ended.wait_until(deadline);
}

}  // namespace cobble::logs::forwarding
