#include "daemon/logs/forwarding/target.h"

#include <chrono>
#include <random>

#include "daemon/base/log.h"
#include "daemon/base/within.h"
#include "daemon/logs/forwarding/labels.h"
#include "layers/quote.h"

namespace cobble::logs::forwarding {

namespace {

constexpr base::Nanoseconds batch_wait = std::chrono::seconds(1);
constexpr base::Nanoseconds attempt_limit = std::chrono::seconds(10);
/// A request that takes no longer than this is progress: meanwhile services may wait.
constexpr base::Nanoseconds progress_limit = std::chrono::seconds(2);

/// How long a cancelled attempt may take to unwind.
constexpr base::Nanoseconds unwind_limit = std::chrono::milliseconds(100);

base::SteadyTime now() {
  return std::chrono::steady_clock::now();
}

double chance() {
  static std::minstd_rand random(std::random_device{}());
  return std::uniform_real_distribution<>(0, 1)(random);
}

}  // namespace

Target::Target(base::IoContext& loop, Manager& manager, std::string name, std::unique_ptr<Sender> sender)
    : loop_(loop),
      manager_(manager),
      name_(std::move(name)),
      sender_(std::move(sender)),
      queue_(EntryQueue::default_limit, [this](const QueuedEntry& entry) { queue_overflowed(entry); }),
      wake_(loop),
      ended_(loop) {}

Target::~Target() {
  stop_reading();
}

void Target::configure(const layers::Plan& plan, const layers::LogTarget& self) {
  definition_ = self;
  environments_.clear();
  if (!self.labels.empty()) {
    for (const auto& [name, service] : plan.services)
      if (service.environment) environments_.emplace(name, *service.environment);
  }
  streams_.clear();
  if (reading_) drain_all();
}

std::shared_ptr<const Stream> Target::stream_of(const ServiceLog& log) {
  const auto [place, added] = streams_.try_emplace(&log);
  if (added && definition_.selects(log.name())) {
    Stream stream{log.name(), {}};
    const auto environment = environments_.find(log.name());
    static const layers::StringMap none;
    for (const auto& [key, value] : definition_.labels)
      stream.labels[key] = expand_variables(value, environment == environments_.end() ? none : environment->second);
    place->second = std::make_shared<const Stream>(std::move(stream));
  }
  return place->second;
}

void Target::take_over(Target& other) {
  readers_ = std::exchange(other.readers_, LiveReaders());
}

void Target::use(std::unique_ptr<Sender> sender) {
  sender_ = std::move(sender);
  delay_.succeeded();
  retry_at_ = base::SteadyTime::min();
  wake_.notify_all();
}

void Target::start() {
  manager_.add(*this);
  reading_ = true;
  running_ = true;
  drain_all();
  cancel_ = base::spawn_cancellable(loop_, "log target " + name_, run(shared_from_this()));
}

void Target::stop_reading() {
  if (!std::exchange(reading_, false)) return;
  manager_.remove(*this);
}

void Target::drain_all() {
  for (const auto& [name, log] : manager_.all()) drain(*log);
}

void Target::log_grew(ServiceLog& log) {
  drain(log);
}

void Target::log_removed(ServiceLog& log) {
  drain(log);
  readers_.forget(log);
  streams_.erase(&log);
}

void Target::drain(ServiceLog& log) {
  const auto stream = stream_of(log);
  if (!stream) return;
  const std::size_t before = queue_.size();
  readers_.drain(
      log, now(), [] { return true; }, [&](const Entry& entry) { queue_.add({entry.time, stream, std::string(entry.message)}); });
  if (queue_.size() == before && !readers_.growing()) return;
  if (!batch_due_ && queue_.size() > before) batch_due_ = now() + batch_wait;
  if (before == 0 || readers_.growing() || (before < batch_entries && queue_.size() >= batch_entries)) wake_.notify_all();
}

bool Target::holds_back(const ServiceLog& log) const {
  if (failing_ || stopping_ || !queue_.nearly_full()) return false;
  if (sending_since_ && now() - *sending_since_ > progress_limit) return false;
  const auto stream = streams_.find(&log);
  return stream != streams_.end() && stream->second != nullptr;
}

base::SteadyTime Target::due() const {
  base::SteadyTime next = base::SteadyTime::max();
  if (!queue_.empty()) {
    // Whatever is left of an earlier attempt doesn't count as new.
    const bool at_once = stopping_ || queue_.size() >= batch_entries;
    next = at_once ? base::SteadyTime::min() : batch_due_.value_or(retry_at_);
    if (!stopping_) next = std::max(next, retry_at_);
  }
  return std::min(next, readers_.next_due().value_or(base::SteadyTime::max()));
}

base::Task<void> Target::run(std::shared_ptr<Target> self) {
  // Also when it is cancelled.
  struct Ending {
    Target& target;
    ~Ending() {
      target.running_ = false;
      target.ended_.notify_all();
    }
  } ending{*self};
  while (!self->stopping_ || !self->queue_.empty()) {
    const base::SteadyTime next = self->due();
    if (next > now()) co_await self->wake_.wait_until(next);
    self->readers_.drain_due(now(), [&](ServiceLog& log) { self->drain(log); });
    if (self->queue_.empty() || self->due() > now()) continue;
    const bool last = self->stopping_;
    co_await self->attempt(attempt_limit);
    // At the end one failure is enough to know that the target isn't there.
    if (last && self->failing_) break;
  }
}

base::Task<void> Target::attempt(base::Nanoseconds limit) {
  // Puts the batch back when the attempt is given up.
  struct Batch {
    Target& target;
    std::vector<QueuedEntry> entries;
    bool settled = false;
    explicit Batch(Target& t) : target(t), entries(t.queue_.take_batch()) {}
    ~Batch() {
      target.sending_since_.reset();
      if (!settled) target.queue_.put_back(std::move(entries));
    }
  } batch(*this);
  batch_due_.reset();
  sending_since_ = now();
  const auto sender = sender_;
  const Outcome outcome = co_await sender->send(batch.entries, limit);
  batch.settled = true;
  settle(std::move(batch.entries), outcome);
  sending_since_.reset();
  manager_.check_holds();
}

void Target::settle(std::vector<QueuedEntry> batch, const Outcome& outcome) {
  failing_ = outcome.kind == Outcome::Kind::keep;
  last_error_ = outcome.reason;
  tried_ = true;
  if (!failing_) {
    (outcome.kind == Outcome::Kind::sent ? sent_ : refused_) += batch.size();
    delay_.succeeded();
    retry_at_ = base::SteadyTime::min();
    if (outcome.kind == Outcome::Kind::drop)
      for (const QueuedEntry& entry : batch) count_lost(entry);
    if (!queue_.empty() && !batch_due_) batch_due_ = now() + batch_wait;
  } else {
    sent_ += outcome.sent;
    batch.erase(batch.begin(), batch.begin() + static_cast<std::ptrdiff_t>(outcome.sent));
    queue_.put_back(std::move(batch));
    retry_at_ = now() + delay_.next(chance(), outcome.retry_after);
    batch_due_.reset();
  }
  const std::string name = layers::quote(name_);
  if (outcome.kind == Outcome::Kind::drop)
    base::log("Target " + name + ": request failed with status " + std::to_string(outcome.status) + ", dropping " +
              std::to_string(batch.size()) + " logs");
  if (outcome.kind != Outcome::Kind::sent) base::log("Cannot flush logs to target " + name + ": " + outcome.reason);
  if (outcome.kind == Outcome::Kind::sent) report_dropped();
}

void Target::queue_overflowed(const QueuedEntry& entry) {
  count_lost(entry);
  if (!std::exchange(overflowing_, true)) base::log("Target " + layers::quote(name_) + ": queue full, dropping the oldest logs");
}

void Target::report_dropped() {
  if (!std::exchange(overflowing_, false)) return;
  const std::uint64_t dropped = queue_.dropped();
  base::log("Target " + layers::quote(name_) + ": dropped " + std::to_string(dropped - reported_dropped_) +
            " logs while the queue was full");
  reported_dropped_ = dropped;
}

void Target::count_lost(const QueuedEntry& entry) {
  if (entry.message == truncation_mark) return;  // stands for what was counted already
  if (ServiceLog* const log = manager_.find(entry.stream->service)) log->count_lost(1);
}

base::Task<void> Target::run_last(std::shared_ptr<Target> self, base::Nanoseconds limit) {
  co_await self->attempt(limit);
}

base::Task<void> Target::stop(base::Nanoseconds limit) {
  const auto self = shared_from_this();
  stop_reading();
  stopping_ = true;
  wake_.notify_all();
  // Half of the time for what is under way, the other half for a last attempt.
  if (running_) co_await ended_.wait_until(now() + limit / 2);
  if (running_) {
    // What is under way is given up, and its batch put back.
    cancel_();
    co_await ended_.wait_until(now() + unwind_limit);
    if (!queue_.empty()) co_await base::within(limit / 2, run_last(self, limit / 2));
  }
  if (queue_.empty()) co_return;
  base::log("Target " + layers::quote(name_) + ": stopping, dropping " + std::to_string(queue_.size()) + " logs");
  while (!queue_.empty())
    for (const QueuedEntry& entry : queue_.take_batch()) count_lost(entry);
}

TargetStatus Target::status() const {
  const std::optional<bool> up = tried_ ? std::optional(last_error_.empty()) : std::nullopt;
  return {name_, queue_.size(), queue_.bytes(), sent_, refused_ + queue_.dropped(), up, last_error_};
}

}  // namespace cobble::logs::forwarding
