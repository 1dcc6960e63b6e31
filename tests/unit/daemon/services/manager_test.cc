#include "daemon/services/manager.h"

#include <signal.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "daemon/process/spawn.h"
#include "daemon/process/system.h"
#include "daemon/state/change_engine.h"
#include "daemon/state/notice_book.h"

namespace cobble::services {
namespace {

using namespace std::chrono_literals;

class FaultySystem : public process::System {
 public:
  bool no_processes = false;
  bool no_descriptors = false;
  pid_t clone_vfork(int (*entry)(void*), void* top, void* argument) override {
    if (!no_processes) return System::clone_vfork(entry, top, argument);
    errno = EAGAIN;
    return -1;
  }
  base::Pipe pipe() override {
    if (!no_descriptors) return System::pipe();
    errno = EMFILE;
    return {};
  }
};

/// A manager with everything around it, real processes included.
struct Fixture {
  FaultySystem faulty;
  process::ScopedSystem scope{faulty};
  base::IoContext loop;
  process::Reaper reaper{loop};
  std::unique_ptr<state::StateFile> file;
  state::NoticeBook notices;
  std::unique_ptr<state::ChangeEngine> engine;
  logs::Manager logs{loop};
  std::shared_ptr<layers::Plan> plan = std::make_shared<layers::Plan>();
  std::optional<int> exit_code;
  std::string saved;
  std::unique_ptr<Manager> manager;

  explicit Fixture(const std::string& survivors = "") : saved(survivors) {
    auto opened = state::open_state(loop, {.directory = "/", .socket_path = "", .persist = false});
    REQUIRE(opened);
    file = std::move(*opened);
    engine = std::make_unique<state::ChangeEngine>(loop, notices, *file);
    Manager::Hooks hooks{.shut_down = [this](int code) { exit_code = code; },
                         .load_survivors = [this] { return std::optional(saved); },
                         .save_survivors = [this](std::string json) { saved = std::move(json); }};
    manager = std::make_unique<Manager>(loop, reaper, *engine, logs, [this] { return plan; }, std::move(hooks));
    engine->start();
  }
  ~Fixture() {
    manager->hurry();
    run_until([] { return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; });
  }

  layers::Service& add(const std::string& name, const std::string& script) {
    auto next = std::make_shared<layers::Plan>(*plan);
    auto& service = next->services[name];
    service.name = name;
    std::string quoted;
    for (const char c : script) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    service.command = "/bin/sh -c '" + quoted + "'";
    plan = next;
    return service;
  }

  template <typename Condition>
  bool run_until(Condition done) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!done() && std::chrono::steady_clock::now() < deadline) {
      loop.restart();
      loop.run_one_for(20ms);
    }
    return done();
  }

  std::string act(const std::string& action, const std::vector<std::string>& names = {}) {
    const auto id = manager->act(action, names);
    REQUIRE(id);
    return *id;
  }
  /// Runs an action to its end and returns its error text.
  std::string finish(const std::string& id) {
    REQUIRE(run_until([&] { return state::is_ready(engine->change_status(*engine->find_change(id))); }));
    return engine->change_error(*engine->find_change(id));
  }
  std::string log_of(const std::string& id, std::size_t task = 0) {
    std::string text;
    for (const auto& line : engine->find_task(engine->find_change(id)->task_ids[task])->log)
      text += line.substr(line.find(' ') + 1) + "\n";
    return text;
  }
  ServiceInfo info(const std::string& name) { return manager->list(std::vector{name}).at(0); }
  bool is(const std::string& name, Current current) {
    return run_until([&] { return info(name).current == current; });
  }
};

TEST_CASE("a service goes up and down") {
  Fixture all;
  all.add("a", "echo hello; exec sleep 1000");
  CHECK_FALSE(all.info("a").known);
  CHECK(all.finish(all.act("start", {"a"})).empty());
  CHECK(all.info("a").current == Current::active);
  const pid_t pid = all.info("a").pid;
  CHECK(::getpgid(pid) == pid);
  CHECK(all.logs.service("a").tail_lines(20) == std::vector<std::string>{"hello"});
  const auto again = all.act("start", {"a"});
  CHECK(all.finish(again).empty());
  CHECK(all.log_of(again) == "INFO Service \"a\" already started.\n");
  CHECK(all.finish(all.act("stop", {"a"})).empty());
  CHECK(all.info("a").current == Current::inactive);
  CHECK(all.info("a").last_exit_code == 143);
  CHECK(::kill(pid, 0) == -1);
  CHECK(all.manager->metrics().at(0).start_count == 1);
}

TEST_CASE("a service that exits at once shows its last words in the task") {
  Fixture all;
  all.add("a", "echo one; echo two >&2; exit 3").on_failure = "ignore";
  const auto id = all.act("start", {"a"});
  CHECK(all.finish(id) ==
        "cannot perform the following tasks:\n- Start service \"a\" (service start attempt: exited quickly with code 3, will "
        "ignore)");
  CHECK(all.log_of(id) ==
        "INFO Most recent service output:\n    one\n    two\nERROR service start attempt: exited quickly with code 3, will "
        "ignore\n");
  CHECK(all.info("a").current == Current::error);
}

TEST_CASE("a failed launch leaves the service inactive") {
  Fixture all;
  all.add("a", "").command = "/nonexistent/x y";
  all.add("b", "").command = "  ";
  all.add("c", "true").user = "nosuch";
  CHECK(all.finish(all.act("start", {"a"}))
            .ends_with("(cannot start service: fork/exec /nonexistent/x: no such file or directory)"));
  CHECK(all.finish(all.act("start", {"b"})).ends_with("(cannot start service: exec: no command)"));
  CHECK(all.finish(all.act("start", {"c"})).ends_with("(user: unknown user nosuch)"));
  CHECK(all.info("a").current == Current::inactive);
  CHECK(all.info("a").current_since);
}

TEST_CASE("a kernel without room is an error, and backoff tries again until there is") {
  Fixture all;
  auto& service = all.add("a", "exec sleep 1000");
  service.backoff_delay = 5ms;
  service.backoff_limit = 5ms;
  all.faulty.no_processes = true;
  CHECK(all.finish(all.act("start", {"a"})).ends_with(": resource temporarily unavailable)"));
  all.faulty.no_processes = false;
  CHECK(all.finish(all.act("start", {"a"})).empty());
  all.faulty.no_processes = true;
  ::kill(all.info("a").pid, SIGKILL);
  REQUIRE(all.run_until([&] { return !all.info("a").last_error.empty(); }));
  CHECK(all.info("a").current == Current::backoff);
  all.faulty.no_descriptors = true;
  all.faulty.no_processes = false;
  REQUIRE(all.run_until([&] { return all.info("a").last_error == "cannot start service: pipe: too many open files"; }));
  all.faulty.no_descriptors = false;
  REQUIRE(all.run_until([&] { return all.info("a").current == Current::active; }));
  CHECK(all.info("a").restarts == 1);
}

TEST_CASE("the end of a process is seen while somebody else holds its pipe, whose output still comes") {
  Fixture all;
  auto& service = all.add("a", "(trap '' TERM; sleep 0.3; echo late) & echo early; exit 1");
  service.on_failure = "ignore";
  const auto id = all.act("start", {"a"});
  CHECK(all.finish(id).ends_with("exited quickly with code 1, will ignore)"));
  CHECK(all.logs.service("a").tail_lines(20) == std::vector<std::string>{"early"});
  CHECK(all.run_until([&] { return all.logs.service("a").tail_lines(20) == std::vector<std::string>{"early", "late"}; }));
}

TEST_CASE("a stop ends what is left of the group, though not before the kill delay") {
  Fixture all;
  auto& service =
      all.add("a", "(trap '' TERM; echo $(exec sh -c 'echo $PPID'); while :; do sleep 0.05; done) & trap 'exit 0' TERM; wait");
  service.kill_delay = 300ms;
  CHECK(all.finish(all.act("start", {"a"})).empty());
  const pid_t child = std::stoi(all.logs.service("a").tail_lines(1).at(0));
  const auto began = std::chrono::steady_clock::now();
  CHECK(all.finish(all.act("stop", {"a"})).empty());
  CHECK(std::chrono::steady_clock::now() - began >= 300ms);
  CHECK(all.run_until([&] { return ::kill(child, 0) == -1; }));
}

TEST_CASE("an abort kills what is starting") {
  Fixture all;
  all.add("a", "exec sleep 1000");
  const auto id = all.act("start", {"a"});
  REQUIRE(all.is("a", Current::active));
  REQUIRE(all.engine->abort_change(id));
  CHECK(all.finish(id).ends_with("(start aborted, sent SIGKILL to process)"));
  CHECK(all.run_until([&] { return all.info("a").last_exit_code == 137; }));
}

TEST_CASE("signals reach running services") {
  Fixture all;
  all.add("a", "trap 'echo got it' USR1; while :; do sleep 0.01; done");
  all.add("b", "true");
  CHECK(all.finish(all.act("start", {"a"})).empty());
  CHECK(all.manager->signal("SIGUSR1", std::vector<std::string>{"a"}));
  CHECK(all.run_until([&] { return !all.logs.service("a").buffer().empty(); }));
  CHECK(all.manager->signal("USR1", std::vector<std::string>{"a", "b", "zz"}).error().message ==
        "cannot send signal to \"a\": invalid signal name \"USR1\"; cannot send signal to \"b\": service is not running; "
        "cannot send signal to \"zz\": service is not running");
}

TEST_CASE("requests that can't be met") {
  Fixture all;
  all.add("a", "true");
  const auto error = [&](const std::string& action, const std::vector<std::string>& names) {
    return all.manager->act(action, names).error().message;
  };
  CHECK(error("replan", {"a"}) == "replan accepts no service names");
  CHECK(error("autostart", {"a"}) == "autostart accepts no service names");
  CHECK(error("autostart", {}) == "no default services");
  CHECK(error("foo", {}) == "must specify services for foo action");
  CHECK(error("", {}) == "must specify services for  action");
  CHECK(error("foo", {"a"}) == "invalid action \"foo\"");
  for (const auto* action : {"start", "stop", "restart"})
    CHECK(error(action, {"a", "nope", "zz"}) == "cannot " + std::string(action) + " services: service \"nope\" does not exist");
  CHECK(all.engine->changes().empty());
}

TEST_CASE("a replan restarts what changed, and brings dependants back that ran") {
  Fixture all;
  all.add("base", "exec sleep 1000");
  all.add("user", "exec sleep 1000").requires_services = {"base"};
  CHECK(all.finish(all.act("replan")).empty());
  CHECK(all.engine->changes().back()->summary == "Replan - no services");
  CHECK(all.finish(all.act("start", {"user"})).empty());
  const pid_t before = all.info("base").pid;
  all.add("base", "exec sleep 2000");
  CHECK(all.finish(all.act("replan")).empty());
  CHECK(all.info("base").pid != before);
  CHECK(all.info("user").current == Current::active);
  CHECK(all.finish(all.act("replan")).empty());
  CHECK(all.engine->changes().back()->summary == "Replan - no services");
}

TEST_CASE("the preview of a replan tells of what comes, and changes nothing") {
  Fixture all;
  const auto preview = [&] {
    std::map<std::string, std::string> steps;
    const auto found = all.manager->preview_replan();
    REQUIRE(found);
    for (const ReplanStep& step : *found) {
      std::string text = std::string(action_word(step.action)) + " " + std::string(reason_word(step.reason));
      for (const auto& key : step.keys) text += " " + key;
      for (const auto& name : step.services) text += " " + name;
      steps[step.name] = text;
    }
    return steps;
  };
  using Steps = std::map<std::string, std::string>;
  all.add("base", "exec sleep 1000");
  all.add("user", "exec sleep 1000").requires_services = {"base"};
  all.add("other", "exec sleep 1000");
  CHECK(preview().empty());
  CHECK(all.finish(all.act("start", {"user"})).empty());
  CHECK(preview().empty());
  all.add("base", "exec sleep 2000").kill_delay = 1s;
  const Steps changed{{"base", "restart changed command kill-delay"}, {"user", "restart dependency base"}};
  CHECK(preview() == changed);
  CHECK(preview() == changed);
  const auto tasks = all.engine->changes().size();
  all.add("front", "exec sleep 1000").startup = "enabled";
  all.add("front", "exec sleep 1000").requires_services = {"other"};
  const Steps more{{"base", "restart changed command kill-delay"},
                   {"front", "start enabled"},
                   {"other", "start required-by front"},
                   {"user", "restart dependency base"}};
  CHECK(preview() == more);
  CHECK(all.engine->changes().size() == tasks);
  CHECK(all.finish(all.act("replan")).empty());
  CHECK(preview().empty());
  CHECK(all.finish(all.act("stop", {"base"})).empty());
  all.add("base", "exec sleep 3000");
  CHECK(preview() == Steps{{"base", "start changed command"}});
}

TEST_CASE("a dependant that waits for its restart is stopped by a replan of what it requires") {
  Fixture all;
  all.add("base", "exec sleep 1000");
  layers::Service& user = all.add("user", "sleep 1.2; exit 1");
  user.requires_services = {"base"};
  user.backoff_delay = 1000s;
  CHECK(all.finish(all.act("start", {"user"})).empty());
  REQUIRE(all.is("user", Current::backoff));
  all.add("base", "exec sleep 2000");
  const auto steps = all.manager->preview_replan();
  REQUIRE(steps);
  REQUIRE(steps->size() == 2);
  CHECK(steps->at(1).name == "user");
  CHECK(steps->at(1).action == ReplanStep::Action::stop);
}

TEST_CASE("a start that only adopts the new plan is undone by no replan") {
  Fixture all;
  all.add("a", "exec sleep 1000");
  CHECK(all.finish(all.act("start", {"a"})).empty());
  const pid_t before = all.info("a").pid;
  all.add("a", "exec sleep 2000");
  CHECK(all.finish(all.act("start", {"a"})).empty());
  CHECK(all.info("a").pid == before);
  CHECK(all.finish(all.act("replan")).empty());
  CHECK(all.info("a").pid != before);
}

TEST_CASE("shutdown actions ask for the daemon's end") {
  Fixture all;
  all.add("a", "exit 1").on_failure = "shutdown";
  all.finish(all.act("start", {"a"}));
  CHECK(all.exit_code == 10);
}

base::Task<void> shut_down(Manager& manager, base::Nanoseconds limit, bool& done) {
  co_await manager.shut_down(limit);
  done = true;
}

TEST_CASE("the end of the daemon leaves no process") {
  Fixture all;
  all.add("deaf", "trap '' TERM; while :; do sleep 0.05; done").kill_delay = 60s;
  all.add("fine", "exec sleep 1000");
  all.add("failing", "exit 1").backoff_delay = 60s;
  const auto start = all.act("start", {"deaf", "fine", "failing"});
  REQUIRE(all.is("failing", Current::backoff));
  REQUIRE(all.is("fine", Current::active));
  REQUIRE(all.is("deaf", Current::active));
  bool done = false;
  base::spawn(all.loop, "test", shut_down(*all.manager, 200ms, done));
  CHECK(all.run_until([&] { return done; }));
  CHECK(all.finish(start).contains("\"fine\" (service start attempt: stopped before the 1s okay delay)"));
  for (const auto* name : {"deaf", "fine", "failing"}) CHECK(all.info(name).pid == 0);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(all.finish(all.act("start", {"fine"})).ends_with("(cannot start service: daemon is stopping)"));
}

TEST_CASE("what outlived an earlier daemon is ended before its service starts again") {
  // Not our child, so that it is as foreign as a process of an earlier daemon.
  process::SpawnRequest request;
  request.argv = {"/bin/sh", "-c", "exec sleep 1000"};
  request.environment = process::daemon_environment();
  const auto pid = process::spawn(request);
  REQUIRE(pid);
  auto mark = mark_process(*pid);
  REQUIRE(mark);
  auto stranger = *mark;
  ++stranger.start_time;
  CHECK(still_lives(*mark));
  CHECK_FALSE(still_lives(stranger));
  const ProcessMarks marks{{"a", *mark}, {"other", stranger}};
  CHECK(read_marks(write_marks(marks)) == marks);
  Fixture all(write_marks(marks));
  all.add("a", "exec sleep 1000");
  CHECK(all.finish(all.act("start", {"a"})).empty());
  CHECK_FALSE(still_lives(*mark));
  CHECK(all.run_until([&] { return read_marks(all.saved).size() == 1; }));
  CHECK(read_marks(all.saved).at("a").pid == all.info("a").pid);
  CHECK(all.finish(all.act("stop", {"a"})).empty());
  CHECK(all.run_until([&] { return read_marks(all.saved).empty(); }));
}

TEST_CASE("notes that make no sense are left out") {
  for (const auto* text :
       {"", "null", "[]", "{\"a\":1}", "{\"a\":{\"pid\":1}}", "{\"a\":{\"pid\":\"x\"}}", "{\"a\":{\"pid\":99999999999}}"})
    CHECK(read_marks(text).empty());
}

}  // namespace
}  // namespace cobble::services
