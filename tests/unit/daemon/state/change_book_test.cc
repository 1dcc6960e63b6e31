#include "daemon/state/change_book.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>

namespace cobble::state {
namespace {

WallTime at(std::int64_t seconds) {
  return WallTime(std::chrono::seconds(1'700'000'000 + seconds));
}

NewTask task(std::string name, std::int64_t lane = 0, std::vector<std::size_t> waits_for = {}) {
  NewTask made;
  made.kind = "start";
  made.summary = "Start service \"" + name + "\"";
  made.lane = lane;
  made.waits_for = std::move(waits_for);
  return made;
}

NewChange change(std::vector<NewTask> tasks) {
  NewChange made;
  made.kind = "start";
  made.summary = "Start things";
  made.tasks = std::move(tasks);
  return made;
}

std::vector<std::string> statuses(const ChangeBook& book, const std::string& id) {
  std::vector<std::string> result;
  for (const TaskRecord* one : book.tasks(id)) result.emplace_back(status_text(one->status));
  return result;
}

std::string status(const ChangeBook& book, const std::string& id) {
  return std::string(status_text(book.status(*book.find_change(id))));
}

std::vector<std::string> run_all(ChangeBook& book, WallTime now = at(1)) {
  std::vector<std::string> begun;
  while (auto id = book.next_runnable(now)) begun.push_back(*id);
  return begun;
}

using Strings = std::vector<std::string>;
const TaskResult good;
const TaskResult bad = std::unexpected(std::string("it broke"));

}  // namespace

TEST_CASE("a change follows its tasks to the end") {
  ChangeBook book;
  const std::string id = book.add(change({task("a", 1), task("b", 1, {0}), task("c", 2)}), at(0));
  CHECK(id == "1");
  CHECK(status(book, id) == "Do");
  CHECK(book.task_at(id, 0)->halt_tasks == Strings{"2"});
  CHECK(book.task_at(id, 1)->wait_tasks == Strings{"1"});
  CHECK(run_all(book) == Strings{"1", "3"});
  CHECK(statuses(book, id) == Strings{"Doing", "Do", "Doing"});
  book.finish("1", good, at(3));
  CHECK(book.task_at(id, 0)->doing_time == std::chrono::seconds(2));
  CHECK(book.task_at(id, 0)->ready_time == at(3));
  CHECK(run_all(book) == Strings{"2"});
  book.finish("3", good, at(4));
  CHECK_FALSE(book.find_change(id)->ready_time);
  CHECK(book.take_effects().ready.empty());
  book.finish("2", good, at(5));
  CHECK(status(book, id) == "Done");
  CHECK(book.find_change(id)->ready_time == at(5));
  CHECK(book.take_effects().ready == Strings{id});
}

TEST_CASE("a change's status is the most pressing one of its tasks") {
  struct Row {
    std::vector<int> tasks;
    std::string_view status;
    bool explicit_done = false;
  };
  const std::vector<Row> rows{
      {{}, "Hold"},       {{1, 1}, "Hold"},  {{1, 4}, "Done"},  {{4, 9}, "Error"}, {{9, 2, 4}, "Do"},  {{2, 3, 9}, "Doing"},
      {{4, 8}, "Undone"}, {{8, 9}, "Error"}, {{10, 4}, "Wait"}, {{10, 2}, "Do"},   {{10, 3}, "Doing"}, {{}, "Done", true},
  };
  for (const Row& row : rows) {
    ChangeRecord record;
    record.id = "7";
    if (row.explicit_done) record.status = Status::done;
    std::vector<TaskRecord> tasks;
    for (const int code : row.tasks) {
      TaskRecord one;
      one.id = std::to_string(tasks.size() + 1);
      one.kind = "start";
      one.status = static_cast<Status>(code);
      record.task_ids.push_back(one.id);
      tasks.push_back(one);
    }
    ChangeBook book;
    book.load({record}, tasks, {}, at(0));
    CAPTURE(row.tasks);
    CHECK(status(book, "7") == row.status);
  }
}

TEST_CASE("a change waits when all that is left is held up by what waits") {
  std::vector<TaskRecord> tasks(3);
  ChangeRecord record;
  record.id = "1";
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    tasks[i].id = std::to_string(i + 1);
    tasks[i].status = Status::todo;
    record.task_ids.push_back(tasks[i].id);
    if (i > 0) tasks[i].wait_tasks = {tasks[i - 1].id};
  }
  tasks[0].status = Status::wait;
  ChangeBook book;
  book.load({record}, tasks, {}, at(0));
  CHECK(status(book, "1") == "Wait");
  CHECK(run_all(book).empty());
  REQUIRE(book.abort("1", at(1)));
  CHECK(statuses(book, "1") == Strings{"Done", "Hold", "Hold"});
}

TEST_CASE("a failure holds the rest of its lane and leaves other lanes alone") {
  ChangeBook book;
  const std::string id = book.add(change({task("e", 1), task("d", 1, {0}), task("f", 1, {1}), task("x", 2)}), at(0));
  run_all(book);
  book.finish("1", good, at(1));
  run_all(book);
  book.finish("2", bad, at(2));
  CHECK(statuses(book, id) == Strings{"Done", "Error", "Hold", "Doing"});
  CHECK(book.task_at(id, 0)->ready_time == at(2));
  CHECK(status(book, id) == "Doing");
  CHECK(run_all(book).empty());
  book.finish("4", good, at(3));
  CHECK(status(book, id) == "Error");
  CHECK(book.error_text(*book.find_change(id)) == "cannot perform the following tasks:\n- Start service \"d\" (it broke)");
}

TEST_CASE("a failure reaches what waits for its lane in other lanes, but not a task that a healthy lane has too") {
  ChangeBook book;
  const std::string id = book.add(change({task("a", 1), task("b", 2, {0}), task("c", 2), task("d", 3)}), at(0));
  run_all(book);
  book.finish("1", bad, at(1));
  CHECK(statuses(book, id) == Strings{"Error", "Hold", "Abort", "Doing"});
  CHECK(book.take_effects().abort == Strings{"1", "3"});

  std::vector<TaskRecord> tasks(3);
  ChangeRecord record;
  record.id = "9";
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    tasks[i].id = std::to_string(i + 11);
    record.task_ids.push_back(tasks[i].id);
  }
  tasks[0].lanes = {1};
  tasks[1].lanes = {1, 2};
  tasks[2].lanes = {2};
  ChangeBook other;
  other.load({record}, tasks, {}, at(0));
  run_all(other);
  other.finish("11", bad, at(1));
  CHECK(statuses(other, "9") == Strings{"Error", "Doing", "Doing"});
}

TEST_CASE("abort holds what waits, stops what runs and leaves what is done") {
  ChangeBook book;
  const std::string id = book.add(change({task("a", 1), task("b", 1, {0}), task("c", 1, {1})}), at(0));
  run_all(book);
  book.finish("1", good, at(1));
  run_all(book);
  book.take_effects();
  REQUIRE(book.abort(id, at(2)));
  CHECK(statuses(book, id) == Strings{"Undo", "Abort", "Hold"});
  CHECK(book.take_effects().abort == Strings{"2"});
  SECTION("a running task that ends well is Done") {
    book.finish("2", good, at(3));
    CHECK(statuses(book, id) == Strings{"Done", "Done", "Hold"});
    CHECK(status(book, id) == "Done");
  }
  SECTION("a running task that says what it broke off is an Error") {
    book.finish("2", bad, at(3));
    CHECK(statuses(book, id) == Strings{"Done", "Error", "Hold"});
  }
  const auto again = book.abort(id, at(4));
  REQUIRE_FALSE(again);
  CHECK(again.error() == "cannot abort change 1 with nothing pending");
}

TEST_CASE("occurrences of a change's notice") {
  ChangeBook book;
  const auto occurrences = [&book] { return book.take_effects().occurrences.size(); };
  SECTION("nothing to do: 2") {
    NewChange empty = change({});
    empty.status = Status::done;
    const std::string id = book.add(std::move(empty), at(0));
    CHECK(occurrences() == 2);
    CHECK(book.find_change(id)->ready_time == at(0));
  }
  SECTION("one task or several that succeed: 3") {
    book.add(change({task("a")}), at(0));
    run_all(book);
    book.finish("1", good, at(1));
    CHECK(occurrences() == 3);
    book.add(change({task("a", 1), task("b", 1, {0}), task("c", 2)}), at(0));
    while (auto id = book.next_runnable(at(1))) book.finish(*id, good, at(1));
    CHECK(occurrences() == 3);
  }
  SECTION("one task that fails: 4") {
    book.add(change({task("a", 1)}), at(0));
    run_all(book);
    book.finish("1", bad, at(1));
    CHECK(occurrences() == 4);
  }
  SECTION("two lanes of which one fails: 5") {
    book.add(change({task("a", 1), task("b", 2)}), at(0));
    run_all(book);
    book.finish("2", bad, at(1));
    book.finish("1", good, at(2));
    CHECK(occurrences() == 5);
  }
  SECTION("the second task of a lane fails: 6") {
    book.add(change({task("a", 1), task("b", 1, {0})}), at(0));
    run_all(book);
    book.finish("1", good, at(1));
    run_all(book);
    book.finish("2", bad, at(2));
    CHECK(occurrences() == 6);
  }
  SECTION("aborted and failed: 4; aborted and ended well: 5") {
    const std::string failing = book.add(change({task("a", 1)}), at(0));
    run_all(book);
    REQUIRE(book.abort(failing, at(1)));
    book.finish("1", bad, at(2));
    CHECK(occurrences() == 4);
    const std::string ending = book.add(change({task("a", 1)}), at(0));
    run_all(book);
    REQUIRE(book.abort(ending, at(1)));
    book.finish("2", good, at(2));
    CHECK(occurrences() == 5);
  }
}

TEST_CASE("an occurrence carries the kind and what the change adds to it, also after a restart") {
  ChangeBook book;
  NewChange check = change({task("chk")});
  check.kind = "perform-check";
  check.notice_data = {{"check-name", "chk"}};
  const std::string id = book.add(std::move(check), at(0));
  const std::map<std::string, std::string> expected{{"kind", "perform-check"}, {"check-name", "chk"}};
  CHECK(book.take_effects().occurrences.at(0).data == expected);
  ChangeBook later;
  later.load({*book.find_change(id)}, {*book.task_at(id, 0)}, book.counters(), at(1));
  run_all(later);
  CHECK(later.take_effects().occurrences.at(0).data == expected);
}

TEST_CASE("a task keeps its ten newest log lines") {
  ChangeBook book;
  const std::string id = book.add(change({task("a")}), at(0));
  for (int i = 0; i < 12; ++i) book.add_log("1", i % 2 == 0 ? "ERROR" : "INFO", "line " + std::to_string(i), at(i));
  const Strings& log = book.task_at(id, 0)->log;
  REQUIRE(log.size() == 10);
  CHECK(log.front() == base::format_local_seconds(at(2)) + " ERROR line 2");
  CHECK(log.back() == base::format_local_seconds(at(11)) + " INFO line 11");
}

TEST_CASE("the error text names error lines of failed tasks only") {
  ChangeRecord record;
  record.id = "1";
  record.kind = "broken";
  TaskRecord failed;
  failed.id = "1";
  failed.status = Status::error;
  failed.summary = "Do it";
  record.task_ids = {"1"};
  SECTION("without a line it says so") {
    ChangeBook book;
    book.load({record}, {failed}, {}, at(0));
    CHECK(book.error_text(*book.find_change("1")) ==
          "internal inconsistency: change \"broken\" in ErrorStatus with no task errors logged");
  }
  SECTION("lines of other kinds don't count") {
    failed.log = {"2026-01-01T00:00:00Z INFO ERROR no", "2026-01-01T00:00:00Z ERROR one\ntwo", "ERROR", "x ERROR three"};
    ChangeBook book;
    book.load({record}, {failed}, {}, at(0));
    CHECK(book.error_text(*book.find_change("1")) == "cannot perform the following tasks:\n- Do it (one\ntwo)\n- Do it (three)");
  }
}

TEST_CASE("unfinished work of an earlier daemon") {
  struct Row {
    std::string_view kind;
    int code;
    std::string_view becomes;
    bool runs;
  };
  const std::vector<Row> rows{
      {"start", 0, "Do", true},
      {"start", 2, "Do", true},
      {"start", 3, "Doing", true},
      {"start", 5, "Hold", false},
      {"start", 6, "Done", false},
      {"start", 7, "Done", false},
      {"start", 4, "Done", false},
      {"start", 9, "Error", false},
      {"perform-check", 3, "Hold", false},
      {"recover-check", 2, "Hold", false},
      {"perform-check", 4, "Done", false},
  };
  for (const Row& row : rows) {
    ChangeRecord record;
    record.id = "3";
    record.task_ids = {"5", "404"};
    TaskRecord one;
    one.id = "5";
    one.kind = row.kind;
    one.status = static_cast<Status>(row.code);
    ChangeBook book;
    book.load({record}, {one}, {20, 30, 9}, at(0));
    CAPTURE(row.kind, row.code);
    CHECK(statuses(book, "3") == Strings{std::string(row.becomes)});
    CHECK(book.find_change("3")->task_ids == Strings{"5"});
    CHECK(run_all(book).size() == (row.runs ? 1 : 0));
    CHECK(book.add(change({}), at(1)) == "21");
  }
}

TEST_CASE("what waits for a task that will never be done is held at the start") {
  ChangeRecord record;
  record.id = "1";
  record.task_ids = {"1", "2", "3"};
  std::vector<TaskRecord> tasks(3);
  for (std::size_t i = 0; i < 3; ++i) tasks[i].id = std::to_string(i + 1);
  tasks[0].status = Status::abort;
  tasks[1].wait_tasks = {"1"};
  tasks[2].wait_tasks = {"2"};
  ChangeBook book;
  book.load({record}, tasks, {}, at(0));
  CHECK(statuses(book, "1") == Strings{"Hold", "Hold", "Hold"});
}

TEST_CASE("tasks that wait in a circle end all the same") {
  ChangeRecord record;
  record.id = "1";
  record.task_ids = {"1", "2", "3"};
  std::vector<TaskRecord> tasks(3);
  for (std::size_t i = 0; i < 3; ++i) tasks[i].id = std::to_string(i + 1);
  tasks[0].wait_tasks = {"2"};
  tasks[1].wait_tasks = {"1"};
  tasks[2].wait_tasks = {"2", "3"};
  ChangeBook book;
  book.load({record}, tasks, {}, at(0));
  for (const std::string& id : run_all(book)) book.finish(id, good, at(1));
  for (const std::string& id : run_all(book)) book.finish(id, good, at(1));
  CHECK(status(book, "1") == "Done");
}

TEST_CASE("pruning") {
  ChangeBook book;
  PruneLimits limits;
  limits.ready_changes = 3;
  for (int i = 0; i < 5; ++i) {
    book.add(change({task("a")}), at(i));
    book.finish(*book.next_runnable(at(i)), good, at(i));
  }
  const std::string running = book.add(change({task("a", 1), task("b", 1, {0})}), at(6));
  SECTION("only the newest ready ones stay") {
    const PruneResult result = book.prune(limits, at(0), at(10));
    CHECK(result.changes == 2);
    CHECK(result.first == at(0));
    CHECK(result.last == at(1));
    CHECK(book.find_change("2") == nullptr);
    CHECK(book.find_task("2") == nullptr);
    CHECK(book.find_change("3") != nullptr);
    CHECK(book.take_effects().removed == Strings{"1", "2"});
  }
  SECTION("what has just become ready is spared when it is one too many") {
    CHECK(book.prune_excess(limits, at(0)).changes == 1);
    CHECK(book.prune_excess(limits, at(10)).changes == 1);
    CHECK(book.prune_excess(limits, at(10)).changes == 0);
  }
  SECTION("old ones go, unfinished ones are aborted much later") {
    const auto days = [](int count) { return std::chrono::hours(24 * count); };
    CHECK(book.prune({}, at(0), at(2) + days(7)).changes == 2);
    run_all(book);
    book.take_effects();
    CHECK(book.prune({}, at(0), at(6) + days(14)).changes == 3);
    CHECK(book.take_effects().abort.empty());
    CHECK(book.prune({}, at(100), at(50) + days(14)).changes == 0);
    CHECK(book.take_effects().abort.empty());
    book.prune({}, at(0), at(7) + days(14));
    CHECK(book.take_effects().abort == Strings{"6"});
    CHECK(statuses(book, running) == Strings{"Abort", "Hold"});
  }
  SECTION("a running check is never aborted for its age") {
    NewChange check = change({task("chk")});
    check.data["check-no-prune"] = "true";
    book.add(std::move(check), at(0));
    run_all(book);
    book.take_effects();
    book.prune({}, at(0), at(0) + std::chrono::hours(24 * 400));
    CHECK(book.take_effects().abort == Strings{"6"});
  }
  SECTION("a change without tasks that never became ready goes after a week") {
    const std::string empty = book.add(change({}), at(0));
    book.prune({}, at(0), at(10));
    CHECK(book.find_change(empty) != nullptr);
    book.prune({}, at(0), at(1) + std::chrono::hours(24 * 7));
    CHECK(book.find_change(empty) == nullptr);
  }
}

namespace {

/// One random life of changes: tasks of random lanes and dependencies begin, end well or not, and are aborted, in any order.
class RandomLife {
 public:
  explicit RandomLife(unsigned seed) : random_(seed) {}

  void run() {
    for (int step = 0; step < 60; ++step) {
      switch (below(6)) {
        case 0:
          add();
          break;
        case 1:
          abort();
          break;
        case 2:
        case 3:
          begin();
          break;
        default:
          finish();
      }
      check();
    }
    while (begin() || finish()) check();
    for (const ChangeRecord* one : book_.changes()) {
      CHECK(is_ready(book_.status(*one)));
      CHECK(one->ready_time.has_value());
      CHECK(ready_[one->id] == 1);
    }
  }

 private:
  std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_); }

  void add() {
    std::vector<NewTask> tasks;
    const std::size_t count = 1 + below(6);
    for (std::size_t i = 0; i < count; ++i) {
      std::vector<std::size_t> waits;
      for (std::size_t earlier = 0; earlier < i; ++earlier) {
        if (below(3) == 0) waits.push_back(earlier);
      }
      tasks.push_back(task("t", static_cast<std::int64_t>(below(3)), std::move(waits)));
    }
    book_.add(change(std::move(tasks)), now());
  }
  void abort() {
    const auto all = book_.changes();
    if (all.empty()) return;
    const ChangeRecord& one = *all[below(all.size())];
    const bool pending = !is_ready(book_.status(one));
    CHECK(book_.abort(one.id, now()).has_value() == pending);
  }
  bool begin() {
    const auto id = book_.next_runnable(now());
    if (!id) return false;
    const TaskRecord& begun = *book_.find_task(*id);
    CHECK(begun.status == Status::doing);
    for (const std::string& earlier : begun.wait_tasks) CHECK(book_.find_task(earlier)->status == Status::done);
    running_.push_back(*id);
    return true;
  }
  bool finish() {
    if (running_.empty()) return false;
    const std::size_t which = below(running_.size());
    const std::string id = running_[which];
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(which));
    const bool fails = below(3) == 0;
    book_.finish(id, fails ? bad : good, now());
    if (fails) {
      CHECK(book_.find_task(id)->status == Status::error);
      check_lane_of(*book_.find_task(id));
    }
    return true;
  }
  void check_lane_of(const TaskRecord& failed) {
    for (const TaskRecord* other : book_.tasks(failed.change)) {
      if (other->lanes == failed.lanes) CHECK((other->status != Status::todo && other->status != Status::doing));
    }
  }
  void check() {
    const Effects effects = book_.take_effects();
    for (const std::string& id : effects.ready) {
      ++ready_[id];
      CHECK(is_ready(book_.status(*book_.find_change(id))));
    }
    for (const ChangeRecord* one : book_.changes()) {
      const auto tasks = book_.tasks(one->id);
      const bool all_ready = std::ranges::all_of(tasks, [](const TaskRecord* each) { return is_ready(each->status); });
      CHECK(all_ready == is_ready(book_.status(*one)));
      CHECK(all_ready == one->ready_time.has_value());
    }
  }
  WallTime now() { return at(++clock_); }

  std::mt19937 random_;
  ChangeBook book_;
  std::vector<std::string> running_;
  std::map<std::string, int> ready_;
  std::int64_t clock_ = 0;
};

}  // namespace

TEST_CASE("in random lives every change ends, once, and no task runs before what it waits for") {
  for (unsigned seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    RandomLife(seed).run();
  }
}

TEST_CASE("thousands of tasks are no trouble") {
  ChangeBook book;
  std::vector<NewTask> tasks;
  for (std::size_t i = 0; i < 5000; ++i) {
    tasks.push_back(task("s", 1, i == 0 ? std::vector<std::size_t>{} : std::vector<std::size_t>{i - 1}));
  }
  const std::string id = book.add(change(std::move(tasks)), at(0));
  for (int i = 0; i < 4999; ++i) book.finish(*book.next_runnable(at(1)), good, at(1));
  book.finish(*book.next_runnable(at(1)), bad, at(1));
  CHECK(status(book, id) == "Error");
  CHECK(std::ranges::count(statuses(book, id), "Done") == 4999);
}

}  // namespace cobble::state
