#include "client/commands/top/screen.h"

#include <catch2/catch.hpp>

#include "client/commands/table.h"

namespace cobble::client::top {
namespace {

ServiceRow service(const std::string& name, const std::string& current, double cpu = 0) {
  ServiceRow row;
  row.info.name = name;
  row.info.startup = "enabled";
  row.info.current = current;
  if (current == "active") {
    row.info.current_since = Time{1000, 0, 0};
    row.info.details.pid = 42;
    row.info.details.memory_bytes = 12'900'000;
    row.cpu_percent = cpu;
  }
  row.info.details.restarts = 3;
  return row;
}

Model model_of(int services, int checks, int lines) {
  Model model;
  model.now = 1075;
  for (int i = 0; i < services; ++i) model.services.push_back(service("svc" + std::to_string(100 + i), "active", i));
  for (int i = 0; i < checks; ++i) {
    CheckInfo check;
    check.name = "check" + std::to_string(i);
    check.status = i % 2 == 0 ? "up" : "down";
    check.threshold = 3;
    model.checks.push_back(check);
  }
  for (int i = 0; i < lines; ++i) model.log.push_back({Time{2000 + i, 0, 0}, "web", "line " + std::to_string(i)});
  return model;
}

std::string text_of(const std::vector<Line>& lines) {
  std::string text;
  for (const Line& line : lines) text += plain_text(line) + "\n";
  return text;
}

TEST_CASE("the screen has services, checks, log and keys") {
  View view;
  Model model = model_of(0, 2, 30);
  model.services = {service("db", "active", 12.34), service("web", "backoff")};
  model.checks[1].last_error = "connection \x1b[31mrefused";
  view.take(model);
  const std::string expected =
      "pebble top  1 of 2 services active, 1 of 2 checks down\n"
      "  Service↓Status      CPU%  Memory  Uptime Restarts\n"
      "> db      active      12.3  12.9MB   1m15s        3\n"
      "  web     backoff        -       -       -        3\n"
      "  Check               Status   Failures  Last error\n"
      "  check1              down     0/3       connection ?[31mrefused\n"
      "  check0              up       0/3       \n"
      "  Log\n"
      "  00:33:47 web line 27\n"
      "  00:33:48 web line 28\n"
      "  00:33:49 web line 29\n"
      "q quit  ↑↓ choose  Enter log of chosen/all  s sort  r reverse  PgUp/PgDn scroll\n";
  CHECK(text_of(draw(view, {80, 12})) == expected);
}

TEST_CASE("a screen of any size is full and not exceeded") {
  for (const auto& [services, checks, log] : {std::tuple(0, 0, 0), {1, 1, 1}, {3, 0, 500}, {200, 50, 500}}) {
    for (const bool trouble : {false, true}) {
      View view;
      view.take(model_of(services, checks, log));
      if (trouble) view.lose(std::string(300, 'x'));
      for (int moved = 0; moved < services / 2; ++moved) view.press(Key::down, 1);
      for (int rows = 0; rows < 60; ++rows) {
        for (const int columns : {0, 1, 2, 9, 17, 40, 41, 80, 200}) {
          const auto lines = draw(view, {columns, rows});
          REQUIRE(lines.size() == static_cast<std::size_t>(rows));
          for (const Line& line : lines) REQUIRE(width_of(plain_text(line)) <= static_cast<std::size_t>(columns));
          const auto chosen = std::ranges::count(lines, true, &Line::chosen);
          if (services > 0 && rows >= 5) REQUIRE(chosen == 1);
        }
      }
    }
  }
}

TEST_CASE("colours only where they are wanted") {
  View view;
  view.take(model_of(1, 1, 1));
  const auto lines = draw(view, {80, 10});
  const std::string with = paint(lines, true), without = paint(lines, false);
  CHECK(with.find("\x1b[32m") != std::string::npos);
  CHECK(without.find("\x1b[3") == std::string::npos);
  CHECK(without.find("\x1b[7m") != std::string::npos);
  CHECK(std::ranges::count(with, '\n') == 9);
}

TEST_CASE("what services write cannot reach the terminal") {
  CHECK(harmless("a\tb\x1b[2J\x7f") == "a b?[2J?");
  CHECK(harmless("\xc2\x9b"
                 "31m é € \xff") == "?31m é € \uFFFD");
}

TEST_CASE("rows are ordered by a column, and the chosen service stays chosen") {
  View view;
  view.take(model_of(3, 0, 0));
  const auto names = [&] {
    std::string text;
    for (const ServiceRow& row : view.model().services) text += row.info.name.back();
    return text;
  };
  view.press(Key::down, 1);
  CHECK(view.chosen() == 1);
  view.press(Key::sort, 1);  // status
  view.press(Key::sort, 1);  // CPU
  CHECK(view.order() == Order::cpu);
  CHECK(names() == "210");
  view.press(Key::up, 1);
  CHECK(view.chosen() == 0);
  view.press(Key::reverse, 1);
  CHECK(names() == "012");
  CHECK(view.chosen() == 2);
  Model fewer = model_of(2, 0, 0);
  view.take(fewer);
  CHECK(view.chosen() == 0);
}

TEST_CASE("a log that is scrolled back stays where it is while lines come") {
  View view;
  view.take(model_of(1, 0, 100));
  const TerminalSize size{80, 24};
  const std::size_t page = log_rows(view, size);
  view.press(Key::older, page);
  CHECK(view.back() == page);
  const std::string last_shown = plain_text(draw(view, size)[22]);
  view.take(model_of(1, 0, 130));
  CHECK(plain_text(draw(view, size)[22]) == last_shown);
  for (int i = 0; i < 50; ++i) view.press(Key::older, page);
  CHECK(text_of(draw(view, size)).find(" line 0\n") != std::string::npos);
  view.press(Key::newest, page);
  CHECK(plain_text(draw(view, size)[22]).ends_with("line 129"));
}

TEST_CASE("the log of the chosen service alone") {
  View view;
  view.press(Key::filter, 1);
  CHECK(view.log_of().empty());
  view.take(model_of(2, 0, 5));
  view.press(Key::down, 1);
  view.press(Key::filter, 1);
  CHECK(view.log_of() == "svc101");
  view.press(Key::filter, 1);
  CHECK(view.log_of().empty());
}

TEST_CASE("keys come whole or in pieces") {
  KeyReader reader;
  using Keys = std::vector<Key>;
  CHECK(reader.feed("jk\x1b[A\x1bOB\x1b[6~q") == Keys{Key::down, Key::up, Key::up, Key::down, Key::newer, Key::quit});
  CHECK(reader.feed("\x1b").empty());
  CHECK(reader.feed("[").empty());
  CHECK(reader.feed("5").empty());
  CHECK(reader.feed("~") == Keys{Key::older});
  CHECK(reader.feed("\x1bq") == Keys{Key::quit});
  CHECK(reader.feed("\x1b[" + std::string(100, '1')).empty());
  CHECK(reader.feed("\x03") == Keys{Key::quit});
  CHECK(reader.feed("xyz\x1b[200~").empty());
}

TEST_CASE("CPU use is that between two looks at one process") {
  CpuMeter meter;
  ServiceInfo info;
  info.name = "web";
  CHECK_FALSE(meter.look(info, std::chrono::seconds(1)));
  info.details.pid = 7;
  info.details.cpu_ms = 500;
  CHECK_FALSE(meter.look(info, std::chrono::seconds(2)));
  info.details.cpu_ms = 1500;
  CHECK(meter.look(info, std::chrono::seconds(4)) == 50.0);
  CHECK_FALSE(meter.look(info, std::chrono::seconds(4)));
  info.details.pid = 8;
  info.details.cpu_ms = 2000;
  CHECK_FALSE(meter.look(info, std::chrono::seconds(5)));
}

}  // namespace
}  // namespace cobble::client::top
