#include "daemon/exec/manager.h"

#include "layers/quote.h"

namespace cobble::exec {

/// Outlives the manager as long as a coroutine waits for one of its changes.
struct Manager::Sessions {
  explicit Sessions(base::IoContext& loop) : one_less(loop) {}
  std::map<std::string, std::shared_ptr<Session>, std::less<>> by_task;
  base::Event one_less;
};

Manager::Manager(base::IoContext& loop, state::Engine& engine, process::Reaper& reaper, std::function<layers::PlanPtr()> plan)
    : loop_(loop), engine_(engine), reaper_(reaper), plan_(std::move(plan)), sessions_(std::make_shared<Sessions>(loop)) {
  engine_.set_handler("exec", [this](state::TaskRun& run) { return run_task(run); });
}

Manager::~Manager() = default;

base::Result<Command> Manager::resolve(const Request& request) const {
  const std::string& program = request.command.front();
  if (!executable_exists(program)) return base::bad_request("cannot find executable " + layers::quote(program));
  const layers::PlanPtr plan = plan_();
  const layers::Service* service = nullptr;
  if (!request.service_context.empty()) {
    const auto found = plan->services.find(request.service_context);
    if (found == plan->services.end())
      return base::bad_request("context service " + layers::quote(request.service_context) + " not found");
    service = &found->second;
  }
  return prepare(request, process::resolve_context(service, request.own));
}

Manager::Started Manager::start(Command command) {
  state::NewChange change;
  change.kind = "exec";
  change.summary = "Execute command " + layers::quote(command.argv.front());
  change.tasks.push_back({.kind = "exec", .summary = change.summary, .data = {}, .waits_for = {}, .lane = 0});
  auto session = std::make_shared<Session>(loop_, reaper_, std::move(command));
  Started started;
  started.change_id = engine_.add_change(std::move(change));
  started.task_id = engine_.find_change(started.change_id)->task_ids.front();
  session->set_task_id(started.task_id);
  sessions_->by_task[started.task_id] = std::move(session);
  // Nobody waits for the disk, but a daemon that is killed soon after should know of the exec.
  base::spawn(loop_, "exec record", engine_.durable());
  base::spawn(loop_, "exec change", forget_when_ready(sessions_, engine_, started.change_id, started.task_id));
  return started;
}

base::Task<void> Manager::forget_when_ready(std::shared_ptr<Sessions> sessions, state::Engine& engine, std::string change_id,
                                            std::string task_id) {
  co_await engine.wait_ready(change_id, std::nullopt);
  sessions->by_task.erase(task_id);
  sessions->one_less.notify_all();
}

std::shared_ptr<Session> Manager::find(std::string_view task_id) const {
  const auto found = sessions_->by_task.find(task_id);
  return found == sessions_->by_task.end() || found->second->finished() ? nullptr : found->second;
}

base::Task<state::TaskResult> Manager::run_task(state::TaskRun& run) {
  const auto session = find(run.task_id());
  // Left over from a daemon that died: its process and its clients are gone.
  if (!session) co_return state::TaskResult();
  co_return co_await session->run(run);
}

void Manager::signal(int number) {
  for (const auto& [id, session] : sessions_->by_task) session->signal(number);
}

void Manager::check_clients() {
  for (const auto& [id, session] : sessions_->by_task) session->check_clients();
}

base::Task<void> Manager::shut_down(base::Nanoseconds limit) {
  const auto sessions = sessions_;
  const base::SteadyTime deadline = std::chrono::steady_clock::now() + limit;
  for (const auto& [id, session] : sessions->by_task) session->stop();
  while (!sessions->by_task.empty() && std::chrono::steady_clock::now() < deadline)
    co_await sessions->one_less.wait_until(deadline);
}

}  // namespace cobble::exec
