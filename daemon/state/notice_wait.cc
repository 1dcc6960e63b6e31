#include "daemon/state/notice_wait.h"

namespace cobble::state {

namespace {

/// Takes the waiter out of the book on every way, also when the waiting coroutine is destroyed.
class Registration {
 public:
  Registration(NoticeBook& notices, NoticeBook::Waiter waiter)
      : notices_(notices), place_(notices.add_waiter(std::move(waiter))) {}
  ~Registration() { notices_.remove_waiter(place_); }
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

 private:
  NoticeBook& notices_;
  NoticeBook::WaiterPlace place_;
};

}  // namespace

base::Task<bool> wait_for_notice(base::IoContext& loop, NoticeBook& notices, NoticeFilter filter, base::SteadyTime deadline) {
  base::Event event(loop);
  const Registration registration(notices, {std::move(filter), [&event] { event.notify_all(); }});
  co_return co_await event.wait_until(deadline);
}

}  // namespace cobble::state
