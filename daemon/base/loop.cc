#include "daemon/base/loop.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <list>
#include <utility>

#include "daemon/base/log.h"

namespace cobble::base {

namespace {

void log_escaped(const std::string& name, const std::exception_ptr& error) {
  if (!error) return;
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    log("Internal error in " + name + ": " + e.what());
  } catch (...) {
    log("Internal error in " + name);
  }
}

/// What a coroutine that was told to stop ends with.
bool is_cancellation(const std::exception_ptr& error) {
  if (!error) return false;
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    return e.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace

void spawn(IoContext& loop, std::string name, Task<void> task) {
  asio::co_spawn(loop, std::move(task), [name = std::move(name)](std::exception_ptr error) { log_escaped(name, error); });
}

std::function<void()> spawn_cancellable(IoContext& loop, std::string name, Task<void> task) {
  auto signal = std::make_shared<asio::cancellation_signal>();
  std::weak_ptr<asio::cancellation_signal> weak = signal;
  asio::co_spawn(loop, std::move(task),
                 asio::bind_cancellation_slot(signal->slot(), [name = std::move(name), signal](std::exception_ptr error) mutable {
                   if (!is_cancellation(error)) log_escaped(name, error);
                   signal.reset();
                 }));
  return [weak] {
    if (auto live = weak.lock()) live->emit(asio::cancellation_type::terminal);
  };
}

void run_loop(IoContext& loop) {
  while (true) {
    try {
      loop.run();
      return;
    } catch (...) {
      log_escaped("event loop", std::current_exception());
    }
  }
}

Task<bool> sleep_for(Nanoseconds duration) {
  asio::steady_timer timer(co_await asio::this_coro::executor, duration);
  boost::system::error_code error;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
  co_return !error;
}

Timer::Timer(IoContext& loop) : timer_(loop), generation_(std::make_shared<std::uint64_t>(0)) {}

Timer::~Timer() {
  ++*generation_;
}

void Timer::start(Nanoseconds delay, std::function<void()> callback) {
  const std::uint64_t generation = ++*generation_;
  timer_.expires_after(delay);
  timer_.async_wait([current = generation_, generation, callback = std::move(callback)](boost::system::error_code) {
    if (*current != generation) return;
    ++*current;
    callback();
  });
}

void Timer::cancel() {
  ++*generation_;
  timer_.cancel();
}

// A waiter is a timer that ends early when it is notified; the list holds those that wait now.
struct Event::Waiters {
  struct Waiter {
    explicit Waiter(const asio::any_io_executor& executor) : timer(executor) {}
    asio::steady_timer timer;
    bool notified = false;
    bool listed = true;
    std::list<Waiter*>::iterator place;
  };
  std::list<Waiter*> list;

  void wake_all(bool notified) {
    for (auto* waiter : std::exchange(list, {})) {
      waiter->listed = false;
      waiter->notified = notified;
      waiter->timer.cancel();
    }
  }
};

Event::Event(IoContext& loop) : loop_(loop), waiters_(std::make_shared<Waiters>()) {}

Event::~Event() {
  waiters_->wake_all(false);
}

void Event::notify_all() {
  waiters_->wake_all(true);
}

Task<bool> Event::wait() {
  return wait_until(SteadyTime::max());
}

Task<bool> Event::wait_until(SteadyTime deadline) {
  auto waiters = waiters_;  // the event may be destroyed meanwhile
  Waiters::Waiter waiter(loop_.get_executor());
  waiter.timer.expires_at(deadline);
  // Taken out again on every way, also when the coroutine is destroyed while it waits.
  struct Entry {
    Waiters& waiters;
    Waiters::Waiter& waiter;
    Entry(Waiters& all, Waiters::Waiter& one) : waiters(all), waiter(one) {
      waiter.place = all.list.insert(all.list.end(), &one);
    }
    ~Entry() {
      if (waiter.listed) waiters.list.erase(waiter.place);
    }
  } entry(*waiters, waiter);
  boost::system::error_code error;
  co_await waiter.timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
  co_return waiter.notified;
}

}  // namespace cobble::base
