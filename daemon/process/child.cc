#include "daemon/process/child.h"

namespace cobble::process {

std::expected<std::unique_ptr<Child>, std::string> Child::start(base::IoContext& loop, Reaper& reaper,
                                                                const SpawnRequest& request) {
  const auto pid = spawn(request);
  if (!pid) return std::unexpected(pid.error());
  return std::unique_ptr<Child>(new Child(loop, reaper, *pid));  // the constructor is private
}

Child::Child(base::IoContext& loop, Reaper& reaper, pid_t pid) : reaper_(reaper), pid_(pid), ended_(loop) {
  reaper_.watch(pid, [this](ExitStatus status) {
    status_ = status;
    ended_.notify_all();
  });
}

Child::~Child() {
  reaper_.release(pid_);
}

base::Task<std::optional<ExitStatus>> Child::wait_until(base::SteadyTime deadline) {
  if (!status_) co_await ended_.wait_until(deadline);
  co_return status_;
}

}  // namespace cobble::process
