#include "daemon/state/state_file.h"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "daemon/base/json.h"
#include "daemon/base/log.h"

namespace cobble::state {

namespace {

/// Writings that nobody waits for begin this far apart when there are many of them; the first few begin at once, so that a
/// client's single steps are not forgotten when the daemon is killed.
constexpr base::Nanoseconds gather_time = std::chrono::milliseconds(50);
constexpr int writings_at_once = 8;
constexpr base::Nanoseconds longest_wait = std::chrono::seconds(20);

WallTime read_operation_start(const RecordData& data) {
  const auto found = data.find("start-of-operation-time");
  if (found == data.end() || found->second.size() < 2) return base::wall_now();
  const auto time = base::parse_time(std::string_view(found->second).substr(1, found->second.size() - 2));
  return time ? *time : base::wall_now();
}

}  // namespace

StateFile::StateFile(base::IoContext& loop, StateOptions options, base::UniqueFd lock, Loaded loaded)
    : loop_(loop),
      options_(std::move(options)),
      lock_(std::move(lock)),
      loaded_(std::move(loaded)),
      data_(std::move(loaded_.document.data)),
      processes_(std::move(loaded_.processes)),
      operation_start_(read_operation_start(data_)),
      path_(options_.directory + "/.pebble.state"),
      writer_(path_, options_.directory + "/.pebble.processes"),
      timer_(loop),
      progress_(loop),
      upgraded_(loaded_.upgraded),
      missing_(loaded_.missing) {}

StateFile::~StateFile() {
  *alive_ = false;
}

std::optional<std::string> StateFile::data(std::string_view key) const {
  const auto found = data_.find(std::string(key));
  return found == data_.end() ? std::nullopt : std::optional(found->second);
}

void StateFile::set_data(std::string_view key, std::string json) {
  data_[std::string(key)] = std::move(json);
  changed();
}

void StateFile::remove_data(std::string_view key) {
  if (data_.erase(std::string(key)) > 0) changed();
}

void StateFile::set_processes(std::string text) {
  if (text == processes_) return;
  processes_ = std::move(text);
  new_processes_ = processes_;
  changed();
}

void StateFile::begin() {
  changed();
  if (!options_.persist) return;
  if (upgraded_ && replace_file(path_, source_(data_))) {
    on_disk_ = generation_;
    return;
  }
  // It is not on disk yet; if that fails, the writing that follows will say so.
  if (missing_) static_cast<void>(place_file(path_, source_(data_)));
  request_flush();
}

void StateFile::changed() {
  ++generation_;
  if (!options_.persist || stopped_ || writing_ || failing_) return;
  if (generation_ == on_disk_ + 1) flush_later();
}

void StateFile::flush_later() {
  const base::Nanoseconds rest = paced_until_ - writings_at_once * gather_time - std::chrono::steady_clock::now();
  timer_.start(std::max(rest, base::Nanoseconds(0)), [this] { flush(); });
}

/// Begins a writing on the next turn of the loop, so that what others change in this turn goes along.
void StateFile::request_flush() {
  if (flush_posted_ || writing_ || failing_) return;
  flush_posted_ = true;
  boost::asio::post(loop_, [this, alive = alive_] {
    if (!*alive) return;
    flush_posted_ = false;
    flush();
  });
}

void StateFile::flush() {
  if (writing_ || stopped_ || !source_ || on_disk_ == generation_) return;
  timer_.cancel();
  writing_ = true;
  const base::SteadyTime now = std::chrono::steady_clock::now();
  paced_until_ = std::min(std::max(paced_until_, now), now + writings_at_once * gather_time) + gather_time;
  const std::uint64_t generation = generation_;
  writer_.write(source_(data_), std::exchange(new_processes_, std::nullopt),
                [this, generation, alive = alive_](const std::expected<void, std::string>& result) {
                  boost::asio::post(loop_, [this, generation, alive, result] {
                    if (*alive) written(generation, result);
                  });
                });
}

void StateFile::written(std::uint64_t generation, const std::expected<void, std::string>& result) {
  writing_ = false;
  if (result) {
    if (std::exchange(failing_, false)) base::log("State file can be written again");
    on_disk_ = generation;
    if (generation_ != on_disk_) flush_later();
  } else {
    base::log("Cannot write state file, retrying: " + result.error());
    new_processes_ = processes_;
    timer_.start(options_.retry_period, [this] { flush(); });
    if (!std::exchange(failing_, true) && on_warning_) on_warning_("cannot write state file: " + result.error());
  }
  progress_.notify_all();
}

base::Task<void> StateFile::durable() {
  if (!options_.persist) co_return;
  const std::uint64_t target = generation_;
  const base::SteadyTime deadline = std::chrono::steady_clock::now() + longest_wait;
  while (on_disk_ < target && !failing_ && !stopped_) {
    request_flush();
    if (co_await progress_.wait_until(deadline)) continue;
    if (std::chrono::steady_clock::now() >= deadline && !std::exchange(failing_, true)) {
      base::log("Cannot write state file in time, going on without waiting for it");
    }
    co_return;
  }
}

void StateFile::stop(base::Nanoseconds limit) {
  if (std::exchange(stopped_, true)) return;
  timer_.cancel();
  progress_.notify_all();
  if (!options_.persist || !source_) return;
  const base::SteadyTime deadline = std::chrono::steady_clock::now() + limit;
  // What is being written may be the last state already, but its outcome can't arrive here any more: write once more.
  if (writer_.wait_idle(limit) && (writing_ || on_disk_ != generation_)) {
    writer_.write(source_(data_), processes_, [](const std::expected<void, std::string>& result) {
      if (!result) base::log("Cannot write state file: " + result.error());
    });
  }
  const base::Nanoseconds rest = deadline - std::chrono::steady_clock::now();
  if (!writer_.wait_idle(std::max(rest, base::Nanoseconds(0)))) base::log("Cannot write state file: the disk doesn't answer");
  writer_.stop();
}

}  // namespace cobble::state
