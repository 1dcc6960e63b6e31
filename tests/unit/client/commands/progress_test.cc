#include "client/commands/progress.h"

#include <catch2/catch.hpp>

using namespace cobble::client;

namespace {

Change doing(const std::string& summary, std::vector<std::string> log = {}, std::int64_t done = 0, std::int64_t total = 1) {
  Task task;
  task.id = "1";
  task.summary = summary;
  task.status = "Doing";
  task.log = std::move(log);
  task.progress = {"", done, total};
  Change change;
  change.tasks = {task};
  return change;
}

}  // namespace

TEST_CASE("without a terminal only new log entries are shown") {
  ProgressDisplay display(false, 40);
  CHECK(display.look(doing("x"), 0).empty());
  CHECK(display.look(doing("x", {"one", "two"}), 0) == "two\n");
  CHECK(display.look(doing("x", {"one", "two"}), 0).empty());
  CHECK(display.look(doing("x", {"three"}), 0) == "three\n");
  CHECK(display.finish().empty());
}

TEST_CASE("on a terminal the summary has a spinner where there is room") {
  ProgressDisplay display(true, 10);
  CHECK(display.look(doing("abc"), 0) == "\rabc      /");
  CHECK(display.look(doing("abcdefgh"), 0) == "\rabcdefgh -");
  CHECK(display.look(doing("abcdefghi"), 0) == "\rabcdefghi ");
  CHECK(display.look(doing("abcdefghijk"), 0) == "\rabcdefghi…");
  CHECK(display.finish() == "\r\x1b[0m\x1b[?25h\x1b[K");
}

TEST_CASE("log entries are broken to the terminal's width") {
  ProgressDisplay display(true, 10);
  CHECK(display.look(doing("a", {"2026-11-23T07:42:03Z INFO ok"}), 0) ==
        "\ra        /\r\x1b[0m\x1b[K2026-11-23\nT07:42:03Z\nINFO ok\n");
}

TEST_CASE("a task of several steps has a bar") {
  ProgressDisplay display(true, 12);
  CHECK(display.look(doing("many steps of it", {}, 0, 4), 0) == "\x1b[?25l");
  CHECK(display.look(doing("many steps of it", {}, 1, 4), 1) == "\r\x1b[7mman\x1b[0my steps …");
  CHECK(display.look(doing("many steps of it", {}, 9, 4), 1) == "\r\x1b[7mmany steps …\x1b[0m");
}

namespace {

Task ended(const std::string& id, const std::string& status, std::vector<std::string> log = {}) {
  Task task;
  task.id = id;
  task.summary = "task " + id;
  task.status = status;
  task.log = std::move(log);
  task.progress = {"", 1, 1};
  if (status != "Do" && status != "Doing") task.ready_time = Time::zero();
  return task;
}

Change change_of(std::vector<Task> tasks) {
  Change change;
  change.tasks = std::move(tasks);
  return change;
}

const std::string clear = "\r\x1b[0m\x1b[K";

}  // namespace

TEST_CASE("from two seconds on the time is shown") {
  ProgressDisplay display(true, 20);
  CHECK(display.look(doing("abc"), 1.9) == "\rabc                /");
  CHECK(display.look(doing("abc"), 2.1) == "\rabc             2s -");
  CHECK(display.look(doing("abc"), 75) == "\rabc          1m15s \\");
  CHECK(display.look(doing("abcdefghijklmnopqrst"), 9) == "\rabcdefghijklmnop… 9s");
}

TEST_CASE("each of several tasks has a line at its end") {
  ProgressDisplay display(true, 30);
  CHECK(display.look(change_of({ended("1", "Doing"), ended("2", "Do")}), 0) == "\r" + ("task 1" + std::string(23, ' ')) + "/");
  CHECK(display.look(change_of({ended("1", "Done"), ended("2", "Doing")}), 1.5) ==
        clear + "Done  task 1, 1s\n\r" + ("task 2" + std::string(23, ' ')) + "-");
  CHECK(display.end(change_of({ended("1", "Done"), ended("2", "Error", {"its last words"})}), 1.8) ==
        clear + "Error task 2, 0s\n" + clear + "its last words\n");
  ProgressDisplay at_once(true, 30);
  CHECK(at_once.end(change_of({ended("1", "Done"), ended("2", "Done")}), 0).empty());
}

TEST_CASE("what a failed task has logged is shown once, and only on a terminal") {
  ProgressDisplay display(true, 30);
  display.look(doing("x", {"one"}), 0);
  CHECK(display.end(change_of({ended("1", "Error", {"one", "two", "three"})}), 1) == clear + "two\n" + clear + "three\n");
  ProgressDisplay elsewhere(false, 30);
  CHECK(elsewhere.end(change_of({ended("1", "Error", {"one", "two"})}), 1).empty());
}
