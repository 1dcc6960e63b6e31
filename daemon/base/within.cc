#include "daemon/base/within.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace cobble::base {

Task<bool> within(Nanoseconds limit, Task<void> task) {
  struct Shared {
    asio::cancellation_signal stop;
    bool late = false;
  };
  auto shared = std::make_shared<Shared>();
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, limit);
  timer.async_wait([shared](boost::system::error_code cancelled) {
    if (cancelled) return;
    shared->late = true;
    shared->stop.emit(asio::cancellation_type::terminal);
  });
  // The task listens to the timer's signal; the caller's own cancellation is passed on to it.
  auto slot = (co_await asio::this_coro::cancellation_state).slot();
  if (slot.is_connected()) slot.assign([shared](asio::cancellation_type type) { shared->stop.emit(type); });
  std::exception_ptr failure;
  try {
    co_await asio::co_spawn(executor, std::move(task), asio::bind_cancellation_slot(shared->stop.slot(), asio::use_awaitable));
  } catch (...) {
    failure = std::current_exception();
  }
  slot.clear();
  timer.cancel();
  if (shared->late) co_return false;
  if (failure) std::rethrow_exception(failure);
  co_return true;
}

}  // namespace cobble::base
