#include "daemon/state/change_engine.h"

#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>
#include <stdexcept>

#include "daemon/state/notice_wait.h"
#include "daemon/state/render.h"

namespace cobble::state {
namespace {

using base::Task;
using Strings = std::vector<std::string>;

/// An engine that keeps nothing on disk.
struct Fixture {
  base::IoContext loop;
  std::unique_ptr<StateFile> file;
  NoticeBook notices;
  std::unique_ptr<ChangeEngine> engine;
  Strings events;

  Fixture() {
    auto opened = open_state(loop, {.directory = "/", .socket_path = "", .persist = false});
    REQUIRE(opened);
    file = std::move(*opened);
    engine = std::make_unique<ChangeEngine>(loop, notices, *file);
  }
  /// Runs the loop until nothing is left to do at once.
  void settle() {
    while (loop.poll() > 0) {
    }
  }
  std::string status(const std::string& id) { return std::string(status_text(engine->change_status(*engine->find_change(id)))); }
};

NewChange change(std::string kind, std::size_t count = 1, bool chained = false) {
  NewChange made;
  made.kind = kind;
  for (std::size_t i = 0; i < count; ++i) {
    NewTask task;
    task.kind = kind;
    task.summary = "Task " + std::to_string(i);
    if (chained && i > 0) task.waits_for = {i - 1};
    made.tasks.push_back(std::move(task));
  }
  return made;
}

Task<TaskResult> succeed(TaskRun&) {
  co_return TaskResult();
}
Task<TaskResult> fail(TaskRun& run) {
  run.log_info("trying");
  run.set_data("seen", "true");
  co_return std::unexpected(std::string("it broke"));
}
Task<TaskResult> throw_up(TaskRun& run) {
  if (!run.aborted()) throw std::runtime_error("unforeseen");
  co_return TaskResult();
}
Task<TaskResult> until_aborted(TaskRun& run) {
  while (!run.aborted()) co_await run.abort_event().wait();
  co_return std::unexpected(std::string("context canceled"));
}

Task<void> wait_for(Fixture& all, std::string id, std::optional<base::SteadyTime> deadline, std::string name) {
  const bool ready = co_await all.engine->wait_ready(std::move(id), deadline);
  all.events.push_back(name + (ready ? " ready" : " not ready"));
}

Task<void> wait_for_key(Fixture& all, std::string key, base::SteadyTime deadline) {
  NoticeFilter filter;
  filter.keys = {key};
  const bool woken = co_await wait_for_notice(all.loop, all.notices, std::move(filter), deadline);
  all.events.push_back(key + (woken ? " woken" : " in vain"));
}

}  // namespace

TEST_CASE("tasks run one after another and the change's waiters are told") {
  Fixture all;
  all.engine->set_handler("good", succeed);
  const std::string id = all.engine->add_change(change("good", 3, true));
  base::spawn(all.loop, "wait", wait_for(all, id, std::nullopt, "first"));
  base::spawn(all.loop, "wait", wait_for(all, id, std::nullopt, "second"));
  all.settle();
  CHECK(all.status(id) == "Do");
  all.engine->start();
  CHECK(all.status(id) == "Do");  // tasks begin on a later turn
  all.settle();
  CHECK(all.status(id) == "Done");
  CHECK(all.events == Strings{"first ready", "second ready"});
  base::spawn(all.loop, "wait", wait_for(all, id, std::nullopt, "late"));
  base::spawn(all.loop, "wait", wait_for(all, "99", std::nullopt, "unknown"));
  all.settle();
  CHECK(all.events == Strings{"first ready", "second ready", "late ready", "unknown not ready"});
  CHECK(all.notices.find("1")->occurrences == 3);
}

TEST_CASE("a handler's failure, exception or absence ends its task") {
  Fixture all;
  all.engine->set_handler("bad", fail);
  all.engine->set_handler("throwing", throw_up);
  all.engine->start();
  const std::string bad = all.engine->add_change(change("bad", 2, true));
  const std::string throwing = all.engine->add_change(change("throwing"));
  const std::string unknown = all.engine->add_change(change("unknown"));
  all.settle();
  CHECK(all.engine->change_error(*all.engine->find_change(bad)) == "cannot perform the following tasks:\n- Task 0 (it broke)");
  const TaskRecord& failed = *all.engine->find_task("1");
  CHECK(failed.data.at("seen") == "true");
  REQUIRE(failed.log.size() == 2);
  CHECK(failed.log[0].ends_with(" INFO trying"));
  CHECK(all.engine->find_task("2")->status == Status::hold);
  CHECK(all.engine->change_error(*all.engine->find_change(throwing)) ==
        "cannot perform the following tasks:\n- Task 0 (internal error: unforeseen)");
  CHECK(all.status(unknown) == "Done");
  CHECK(all.engine->find_task("4")->log.at(0).ends_with(" INFO no handler for task \"unknown\", task ignored"));
}

TEST_CASE("an abort reaches the running handler") {
  Fixture all;
  all.engine->set_handler("stubborn", until_aborted);
  all.engine->start();
  const std::string id = all.engine->add_change(change("stubborn", 2, true));
  all.settle();
  CHECK(all.status(id) == "Doing");
  base::spawn(all.loop, "wait", wait_for(all, id, std::chrono::steady_clock::now(), "impatient"));
  all.loop.run_one_for(std::chrono::seconds(10));
  while (all.events.empty()) all.loop.run_one_for(std::chrono::seconds(10));
  CHECK(all.events == Strings{"impatient not ready"});
  REQUIRE(all.engine->abort_change(id));
  CHECK(all.status(id) == "Abort");
  all.settle();
  CHECK(all.status(id) == "Error");
  CHECK_FALSE(all.engine->abort_change(id));
}

namespace {

/// Runs once in each round of the loop until the change is done.
void count_turns(Fixture& all, const std::string& id, std::size_t& turns) {
  ++turns;
  if (all.status(id) != "Done") boost::asio::post(all.loop, [&all, &id, &turns] { count_turns(all, id, turns); });
}

}  // namespace

TEST_CASE("thousands of tasks begin with turns for others in between") {
  Fixture all;
  all.engine->set_handler("good", succeed);
  all.engine->start();
  const std::string id = all.engine->add_change(change("good", 2000));
  std::size_t turns = 0;
  count_turns(all, id, turns);
  all.settle();
  CHECK(turns >= 2000);
}

TEST_CASE("long polls hear of notices that match, until their deadline") {
  Fixture all;
  base::spawn(all.loop, "poll", wait_for_key(all, "a.b/c", base::SteadyTime::max()));
  base::spawn(all.loop, "poll", wait_for_key(all, "a.b/d", std::chrono::steady_clock::now()));
  while (all.events.empty()) all.loop.run_one_for(std::chrono::seconds(10));
  CHECK(all.events == Strings{"a.b/d in vain"});
  all.notices.add(1, "custom", "a.b/d", {}, {}, base::wall_now());
  all.settle();
  all.notices.add(1, "custom", "a.b/c", {}, {}, base::wall_now());
  all.settle();
  CHECK(all.events == Strings{"a.b/d in vain", "a.b/c woken"});
}

TEST_CASE("a change as the API shows it") {
  Fixture all;
  all.engine->set_handler("bad", fail);
  NewChange made = change("bad", 2, true);
  made.summary = "Do <it>";
  made.tasks[1].data["api-data"] = R"({"exit-code":3})";
  const std::string id = all.engine->add_change(std::move(made));
  const auto json = [&] { return change_json(*all.engine, *all.engine->find_change(id)); };
  CHECK(json().starts_with(
      R"({"id":"1","kind":"bad","summary":"Do \u003cit\u003e","status":"Do","tasks":[{"id":"1","kind":"bad","summary":"Task 0",)"
      R"("status":"Do","progress":{"label":"","done":0,"total":1},"spawn-time":")"));
  CHECK(json().contains(R"(","data":{"exit-code":3}}],"ready":false,"spawn-time":")"));
  all.engine->start();
  all.settle();
  CHECK(json().contains(R"("status":"Error","log":[")"));
  CHECK(
      json().contains("\"ready\":true,\"err\":\"cannot perform the following tasks:\\n- Task 0 (it broke)\",\"spawn-time\":\""));
  CHECK(json().contains(R"(,"ready-time":")"));
  const std::string empty = all.engine->add_change({"replan", "Replan - no services", {}, {}, {}, Status::done});
  CHECK(change_json(*all.engine, *all.engine->find_change(empty))
            .starts_with(
                R"({"id":"2","kind":"replan","summary":"Replan - no services","status":"Done","ready":true,"spawn-time":")"));
}

}  // namespace cobble::state
