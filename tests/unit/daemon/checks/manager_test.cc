#include "daemon/checks/manager.h"

#include <sys/wait.h>

#include <boost/asio/ip/tcp.hpp>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "daemon/state/change_engine.h"

namespace cobble::checks {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

/// Checks on a real engine that keeps nothing on disk; ports that are open or closed decide how runs end.
struct Fixture {
  fs::path folder = fs::temp_directory_path() / ("cobble-checks-" + std::to_string(::getpid()));
  base::IoContext loop;
  std::unique_ptr<state::StateFile> file;
  state::NoticeBook notices;
  std::unique_ptr<state::ChangeEngine> engine;
  process::Reaper reaper{loop};
  layers::Plan plan;
  Strings hits;
  std::unique_ptr<Manager> manager;
  asio::ip::tcp::acceptor port{loop, {asio::ip::address_v4::loopback(), 0}};
  std::int64_t number = port.local_endpoint().port();

  Fixture() {
    fs::create_directories(folder);
    auto opened = state::open_state(loop, {.directory = folder.string(), .socket_path = "", .persist = false});
    REQUIRE(opened);
    file = std::move(*opened);
    engine = std::make_unique<state::ChangeEngine>(loop, notices, *file);
    manager = std::make_unique<Manager>(loop, *engine, reaper,
                                        Manager::Hooks{[this](const std::string& name) { hits.push_back(name); }});
    engine->start();
  }
  ~Fixture() {
    shut_down();
    until([] {  // every command, and what it left behind, is gone and reaped
      siginfo_t info{};
      return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0;
    });
    until([&] { return loop.poll() == 0; });
    fs::remove_all(folder);
  }

  void shut_down() {
    bool ended = false;
    base::spawn(loop, "shutting down", shut_down_into(*manager, ended));
    until([&] { return ended; });
  }
  static base::Task<void> shut_down_into(Manager& of, bool& ended) {
    co_await of.shut_down(20s);
    ended = true;
  }

  layers::Check& add(const std::string& name, std::int64_t threshold = 3) {
    layers::Check& check = plan.checks[name];
    check.name = name;
    check.period = 1h;
    check.threshold = threshold;
    check.tcp = layers::TcpCheck{number, "127.0.0.1"};
    return check;
  }
  layers::Check& add_exec(const std::string& name, const std::string& command, std::int64_t threshold = 3) {
    layers::Check& check = add(name, threshold);
    check.tcp.reset();
    check.exec = layers::ExecCheck();
    check.exec->command = command;
    return check;
  }
  void update() { manager->plan_changed(plan); }

  template <typename Condition>
  void until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!condition()) {
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      loop.restart();
      loop.run_one_for(10ms);
    }
  }
  CheckInfo info(const std::string& name) {
    for (auto& info : manager->infos())
      if (info.name == name) return info;
    FAIL("no check " << name);
    return {};
  }
  std::string change_status(const std::string& id) {
    return std::string(state::status_text(engine->change_status(*engine->find_change(id))));
  }
  /// Begins a refresh; the answer comes when the loop runs.
  struct Asked {
    std::optional<base::Result<RefreshAnswer>> answer;
    std::function<void()> cancel;
  };
  std::shared_ptr<Asked> ask(const std::string& name) {
    auto asked = std::make_shared<Asked>();
    asked->cancel = base::spawn_cancellable(loop, "refresh", ask_into(manager.get(), name, asked));
    return asked;
  }
  static base::Task<void> ask_into(Manager* manager, std::string name, std::shared_ptr<Asked> asked) {
    asked->answer = co_await manager->refresh(name);
  }
  RefreshAnswer refresh(const std::string& name) {
    const auto asked = ask(name);
    until([&] { return asked->answer.has_value(); });
    REQUIRE(asked->answer->has_value());
    return **asked->answer;
  }
  void close_port() { port.close(); }
  void open_port() {
    port.open(asio::ip::tcp::v4());
    port.set_option(asio::ip::tcp::acceptor::reuse_address(true));
    port.bind({asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(number)});
    port.listen();
  }
};

TEST_CASE_METHOD(Fixture, "a check goes down and recovers; info and changes switch in one step") {
  add("c", 2);
  update();
  CHECK(info("c").status == CheckStatus::up);
  CHECK(info("c").change_id == "1");
  CHECK(refresh("c").error.empty());
  CHECK(info("c").successes == 1);
  until([&] { return change_status("1") == "Doing"; });

  close_port();
  const std::string refused = "dial tcp 127.0.0.1:" + std::to_string(number) + ": connect: connection refused";
  CHECK(refresh("c").error == refused);
  CHECK(info("c").status == CheckStatus::up);
  CHECK(hits.empty());
  const RefreshAnswer fallen = refresh("c");
  CHECK(fallen.info.status == CheckStatus::down);
  CHECK(fallen.info.failures == 2);
  CHECK(fallen.info.change_id == "2");
  CHECK(fallen.info.prev_change_id == "1");
  CHECK(hits == Strings{"c"});
  CHECK(change_status("1") == "Error");
  CHECK(engine->find_change("1")->summary == "Perform TCP check \"c\"");
  CHECK(engine->find_change("2")->summary == "Recover TCP check \"c\"");
  CHECK_FALSE(manager->healthy("", {}));
  refresh("c");
  CHECK(info("c").failures == 3);
  CHECK(hits.size() == 1);

  open_port();
  const RefreshAnswer recovered = refresh("c");
  CHECK(recovered.info.status == CheckStatus::up);
  CHECK(recovered.info.successes == 1);
  CHECK(recovered.info.failures == 0);
  CHECK(recovered.info.change_id == "3");
  CHECK(recovered.info.prev_change_id == "2");
  CHECK(change_status("2") == "Done");
  CHECK(manager->healthy("", {}));
  const CheckMetrics metrics = manager->metrics().at(0);
  CHECK(metrics.successes == 2);
  CHECK(metrics.failures == 3);
}

TEST_CASE_METHOD(Fixture, "failures and late successes are in the task's log") {
  add("c", 9);
  update();
  close_port();
  refresh("c");
  refresh("c");
  open_port();
  refresh("c");
  refresh("c");
  const auto& log = engine->find_task("1")->log;
  REQUIRE(log.size() == 3);
  CHECK(log[0].find(" ERROR dial tcp") != std::string::npos);
  CHECK(log[2].ends_with(" INFO succeeded after 2 failures"));
}

TEST_CASE_METHOD(Fixture, "start and stop") {
  add("on");
  add("off").startup = "disabled";
  update();
  refresh("on");
  CHECK(manager->start({"off", "on"}).value() == Strings{"off"});
  CHECK(manager->start({"off", "on"}).value().empty());
  CHECK(manager->stop({"on", "off", "on"}).value() == Strings{"off", "on"});
  CHECK(info("on").status == CheckStatus::inactive);
  CHECK(info("on").successes == 1);
  CHECK(info("on").change_id.empty());
  until([&] { return change_status("1") == "Done"; });
  CHECK(change_status("2") == "Hold");  // stopped before it began
  const auto bad = manager->stop({"zz", "on", "yy", "zz"});
  REQUIRE_FALSE(bad);
  CHECK(bad.error().message == "cannot stop checks: cannot find checks in plan: yy, zz, zz");
  manager->replan();
  CHECK(info("on").status == CheckStatus::up);
  CHECK(info("on").successes == 0);
  CHECK(info("off").status == CheckStatus::inactive);
  CHECK(manager->metrics().at(1).successes == 1);
}

TEST_CASE_METHOD(Fixture, "stopping during a run kills the command and counts nothing") {
  const fs::path mark = folder / "mark";
  add_exec("c",
           "sh -c 'echo $$ >" + mark.string() + ".new; mv " + mark.string() + ".new " + mark.string() + "; sleep 1000 & wait'");
  plan.checks["c"].timeout = 1h;
  update();
  const auto asked = ask("c");
  until([&] { return fs::exists(mark); });
  pid_t pid = 0;
  std::ifstream(mark) >> pid;
  fs::remove(mark);
  REQUIRE(pid > 0);
  CHECK(manager->stop({"c"}).value() == Strings{"c"});
  until([&] { return !process::group_alive(pid); });
  until([&] { return asked->answer.has_value(); });
  CHECK((*asked->answer)->error == "check \"c\" was stopped");
  until([&] { return change_status("1") == "Done"; });
  CHECK(info("c").failures == 0);
  CHECK(manager->metrics().at(0).failures == 0);
}

TEST_CASE_METHOD(Fixture, "refreshes of an active check queue; each has its own run") {
  add_exec("c", "true");
  update();
  const auto first = ask("c");
  const auto second = ask("c");
  const auto third = ask("c");
  until([&] { return change_status("1") == "Doing"; });
  second->cancel();  // its run goes on and counts
  until([&] { return first->answer && third->answer; });
  CHECK((*first->answer)->info.successes == 1);
  CHECK((*third->answer)->info.successes == 3);
}

TEST_CASE_METHOD(Fixture, "a refresh of an inactive check changes nothing") {
  add_exec("c", "sh -c 'echo why; exit 3'", 1).startup = "disabled";
  update();
  const RefreshAnswer answer = refresh("c");
  CHECK(answer.error == "exit status 3; why");
  CHECK(answer.info.status == CheckStatus::inactive);
  CHECK(answer.info.failures == 0);
  CHECK(engine->changes().empty());
  CHECK(hits.empty());
  const auto missing = ask("nope");
  until([&] { return missing->answer.has_value(); });
  REQUIRE_FALSE(*missing->answer);
  CHECK(missing->answer->error().status == 404);
  CHECK(missing->answer->error().message == "cannot find check with name \"nope\"");
}

TEST_CASE_METHOD(Fixture, "a change that was aborted over the API leaves a check that answers and can be stopped") {
  add("c");
  update();
  refresh("c");
  REQUIRE(engine->abort_change("1"));
  until([&] { return change_status("1") == "Done"; });
  CHECK(info("c").change_id == "1");
  CHECK(refresh("c").error == "check \"c\" does not run: its change was aborted");
  SECTION("stop") {
    CHECK(manager->stop({"c"}).value() == Strings{"c"});
    CHECK(info("c").status == CheckStatus::inactive);
  }
  SECTION("any update of the plan starts it again") {
    update();
    CHECK(info("c").change_id == "2");
    CHECK(refresh("c").error.empty());
  }
}

TEST_CASE_METHOD(Fixture, "plan updates") {
  add("same");
  add("changed");
  add("gone");
  add("stopped");
  add("by hand").startup = "disabled";
  add("to be disabled");
  update();
  CHECK(manager->start({"by hand"}).value().size() == 1);
  for (const char* name : {"same", "changed", "stopped", "by hand"}) refresh(name);
  CHECK(manager->stop({"stopped"}).value().size() == 1);
  const auto before = info("same").change_id;
  const auto by_hand = info("by hand").change_id;
  const auto disabled = info("to be disabled").change_id;

  plan.checks.erase("gone");
  plan.checks["changed"].level = "alive";
  plan.checks["to be disabled"].startup = "disabled";
  add("new");
  update();
  CHECK(info("same").change_id == before);
  CHECK(info("same").successes == 1);
  CHECK(info("by hand").change_id == by_hand);
  CHECK(info("changed").successes == 0);
  CHECK(info("changed").level == "alive");
  CHECK(info("stopped").status == CheckStatus::up);
  CHECK(info("new").status == CheckStatus::up);
  CHECK(info("to be disabled").status == CheckStatus::inactive);
  CHECK(manager->infos().size() == 6);
  for (const auto& metrics : manager->metrics()) {
    CAPTURE(metrics.name);
    CHECK(metrics.successes == (metrics.name == "same" || metrics.name == "stopped" || metrics.name == "by hand" ? 1 : 0));
  }
  until([&] { return state::is_ready(engine->change_status(*engine->find_change(disabled))); });
}

TEST_CASE_METHOD(Fixture, "the service context is part of a check's configuration") {
  plan.services["s"].name = "s";
  plan.services["s"].environment = layers::StringMap{{"A", "service"}, {"B", "service"}};
  plan.services["s"].working_dir = "/usr";
  auto& check = add_exec("c", "sh -c 'echo $A-$B; pwd; exit 1'");
  check.exec->service_context = "s";
  check.exec->environment = {{"B", "check"}};
  check.startup = "disabled";
  update();
  CHECK(refresh("c").error == "exit status 1; service-check\n/usr");
  CHECK(manager->start({"c"}).value().size() == 1);
  CHECK(refresh("c").error == "exit status 1; service-check\n/usr");
  const auto before = info("c").change_id;
  plan.services["s"].command = "another";
  update();
  CHECK(info("c").change_id == before);
  plan.services["s"].environment = layers::StringMap{{"A", "new"}};
  update();
  CHECK(info("c").change_id != before);
  CHECK(refresh("c").error == "exit status 1; new-check\n/usr");
}

TEST_CASE_METHOD(Fixture, "runs by the clock, each within its timeout") {
  auto& check = add_exec("c", "sleep 1000", 2);
  check.period = 50ms;
  check.timeout = 20ms;
  update();
  until([&] { return info("c").failures >= 4; });
  CHECK(info("c").status == CheckStatus::down);
  CHECK(info("c").last_error == "check timed out after 20ms");
  CHECK(hits.size() == 1);
}

TEST_CASE_METHOD(Fixture, "health by level and name") {
  close_port();
  for (const char* level : {"", "alive", "ready"}) {
    add(std::string("up ") + level).level = level;
    add(std::string("down ") + level, 1).level = level;
  }
  update();
  CHECK(manager->healthy("", {}));
  refresh("down ");
  CHECK_FALSE(manager->healthy("", {}));
  CHECK(manager->healthy("alive", {}));
  CHECK(manager->healthy("ready", {}));
  refresh("down ready");
  CHECK(manager->healthy("alive", {}));
  CHECK_FALSE(manager->healthy("ready", {}));
  refresh("down alive");
  CHECK_FALSE(manager->healthy("alive", {}));
  CHECK_FALSE(manager->healthy("ready", {"down alive"}));
  CHECK(manager->healthy("alive", {"down ready"}));
  CHECK(manager->healthy("", {"up ", "nope"}));
}

TEST_CASE_METHOD(Fixture, "the daemon's end answers refreshes and ends changes as done") {
  add_exec("on", "sleep 1000").timeout = 1h;
  add_exec("off", "sleep 1000").timeout = 1h;
  plan.checks["off"].startup = "disabled";
  update();
  const auto active = ask("on");
  const auto inactive = ask("off");
  until([&] { return change_status("1") == "Doing"; });
  shut_down();
  CHECK(change_status("1") == "Done");
  until([&] { return active->answer && inactive->answer; });
  CHECK((*active->answer)->error == "the daemon is exiting");
  CHECK_FALSE((*inactive->answer)->error.empty());
}

}  // namespace
}  // namespace cobble::checks
