#include "daemon/services/turns.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace cobble::services {

struct Turns::State {
  explicit State(base::IoContext& context) : loop(context) {}
  base::IoContext& loop;
  std::deque<std::function<void()>> queue;
  bool posted = false;
};

Turns::Turns(base::IoContext& loop) : state_(std::make_shared<State>(loop)) {}

Turns::~Turns() {
  state_->queue.clear();
}

void Turns::push(std::function<void()> work) {
  state_->queue.push_back(std::move(work));
  pump(state_);
}

void Turns::pump(const std::shared_ptr<State>& state) {
  if (state->queue.empty() || std::exchange(state->posted, true)) return;
  boost::asio::post(state->loop, [state] {
    state->posted = false;
    if (state->queue.empty()) return;
    const auto work = std::move(state->queue.front());
    state->queue.pop_front();
    pump(state);
    work();
  });
}

}  // namespace cobble::services
