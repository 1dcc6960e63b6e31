#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

/// What blocks goes to a small pool of threads, made on first use, and comes back by co_await. Never post to the pool in another
/// way: an exception there would end the process.
namespace cobble::base {

/// Queues `work` on the pool; it must not throw.
void post_to_pool(std::function<void()> work);
/// Waits for what is running and ends the pool's threads; work posted later is dropped.
void stop_pool();

/// Runs `function` on a thread of the pool and returns its value on the loop; exceptions come back too. `function` must own what
/// it uses: when the awaiting coroutine is cancelled, the work still finishes.
template <typename Function>
boost::asio::awaitable<std::invoke_result_t<Function>> blocking(Function function) {
  using Value = std::invoke_result_t<Function>;
  static_assert(!std::is_void_v<Value>, "return something, such as true");
  struct Outcome {
    std::optional<Value> value;
    std::exception_ptr error;
  };
  auto outcome = std::make_shared<Outcome>();
  auto executor = co_await boost::asio::this_coro::executor;
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
      [&](auto handler) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        post_to_pool([shared, outcome, executor, function = std::make_shared<Function>(std::move(function))]() mutable {
          try {
            outcome->value.emplace((*function)());
          } catch (...) {
            outcome->error = std::current_exception();
          }
          function.reset();
          boost::asio::post(executor, [shared = std::move(shared)]() mutable { std::move (*shared)(); });
        });
      },
      boost::asio::use_awaitable);
  if (outcome->error) std::rethrow_exception(outcome->error);
  co_return std::move(*outcome->value);
}

}  // namespace cobble::base
