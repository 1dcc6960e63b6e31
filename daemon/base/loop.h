#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>

#include "daemon/base/time.h"

/// The event loop and what runs on it. One thread owns all state; see CONTRIBUTING.md.
namespace cobble::base {

namespace asio = boost::asio;
template <typename T>
using Task = asio::awaitable<T>;
using IoContext = asio::io_context;

/// Runs a coroutine on the loop. What escapes it is logged with `name`, never lost and never fatal. The only way a coroutine is
/// started.
void spawn(IoContext& loop, std::string name, Task<void> task);
/// The same with a stop: calling the returned function cancels the coroutine's pending wait (once; harmless when it has ended).
std::function<void()> spawn_cancellable(IoContext& loop, std::string name, Task<void> task);

/// Runs the loop until it is stopped; an exception that escapes a handler is logged and the loop goes on.
void run_loop(IoContext& loop);

/// Waits for `duration`; false when cancelled.
Task<bool> sleep_for(Nanoseconds duration);

/// A one-shot timer with a plain callback, bound to its owner: destroying or re-arming it makes the earlier callback impossible,
/// also when it was already queued.
class Timer {
 public:
  explicit Timer(IoContext& loop);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  /// Calls `callback` once after `delay` (negative: at once); replaces an earlier call.
  void start(Nanoseconds delay, std::function<void()> callback);
  void cancel();

 private:
  asio::steady_timer timer_;
  std::shared_ptr<std::uint64_t> generation_;
};

/// Wakes coroutines that wait for something to happen. Waiters may come and go; `notify_all` wakes those that wait now.
class Event {
 public:
  explicit Event(IoContext& loop);
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  /// Returns true when notified, false when the deadline passed or the wait was cancelled or the event was destroyed.
  Task<bool> wait_until(SteadyTime deadline);
  /// The same without a deadline.
  Task<bool> wait();
  void notify_all();

 private:
  struct Waiters;
  IoContext& loop_;
  std::shared_ptr<Waiters> waiters_;
};

}  // namespace cobble::base
