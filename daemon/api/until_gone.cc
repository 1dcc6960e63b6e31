#include "daemon/api/until_gone.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <variant>

namespace cobble::api {

Task<std::optional<bool>> until_gone(Request& request, Task<bool> wait) {
  using namespace boost::asio::experimental::awaitable_operators;
  const auto first = co_await (std::move(wait) || request.client_gone->wait());
  if (first.index() == 1) co_return std::nullopt;
  co_return std::get<0>(first);
}

base::SteadyTime deadline_after(base::Nanoseconds timeout) {
  const base::SteadyTime now = std::chrono::steady_clock::now();
  return timeout > base::SteadyTime::max() - now ? base::SteadyTime::max() : now + timeout;
}

}  // namespace cobble::api
