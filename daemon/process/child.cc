#include "daemon/process/child.h"

#include <signal.h>

#include <cerrno>

namespace cobble::process {

std::expected<std::unique_ptr<Child>, std::string> Child::start(base::IoContext& loop, Reaper& reaper,
                                                                const SpawnRequest& request) {
  const auto pid = spawn(request);
  if (!pid) return std::unexpected(pid.error());
  return std::unique_ptr<Child>(new Child(loop, reaper, *pid));  // the constructor is private
}

Child::Child(base::IoContext& loop, Reaper& reaper, pid_t pid)
    : reaper_(reaper), pid_(pid), state_(std::make_shared<State>(loop)) {
  reaper.watch(pid, [state = state_](ExitStatus status) {
    state->status = status;
    state->ended.notify_all();
  });
}

Child::~Child() {
  if (!state_->status) signal_all(SIGKILL);
  reaper_.release(pid_);
  state_->ended.notify_all();
}

base::Task<std::optional<ExitStatus>> Child::wait_until(base::SteadyTime deadline) {
  return wait_for(state_, deadline);
}

base::Task<std::optional<ExitStatus>> Child::wait_for(std::shared_ptr<State> state, base::SteadyTime deadline) {
  if (!state->status) co_await state->ended.wait_until(deadline);
  co_return state->status;
}

bool Child::signal(int number) const {
  if (state_->status) {
    errno = ESRCH;
    return false;
  }
  return signal_process(pid_, number);
}

}  // namespace cobble::process
