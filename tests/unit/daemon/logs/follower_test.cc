#include "daemon/logs/follower.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/unit/daemon/logs/fixture.h"

namespace cobble::logs {
namespace {

struct FollowerFixture : LogsFixture {
  base::Event wake{loop};

  std::unique_ptr<Follower> follow(Selection selection, std::int64_t newest, std::string* old = nullptr, bool may_hold = true) {
    History history(manager, selection, newest);
    std::string out;
    history.fill(out, 1'000'000);
    if (old != nullptr) *old = out;
    return std::make_unique<Follower>(manager, wake, std::move(selection), may_hold, history);
  }
};

/// Messages of lines of JSON.
std::vector<std::string> messages(const std::string& lines) {
  std::vector<std::string> found;
  for (std::size_t begin = 0; begin < lines.size();) {
    const std::size_t end = lines.find('\n', begin);
    found.push_back(nlohmann::json::parse(lines.substr(begin, end - begin))["message"]);
    begin = end + 1;
  }
  return found;
}

std::string take_all(Follower& follower) {
  std::string all;
  for (std::string block = follower.take(); !block.empty(); block = follower.take()) all += block;
  return all;
}

using Messages = std::vector<std::string>;

TEST_CASE("A follower gets what is new, of the services it wants, also of those that start later") {
  FollowerFixture f;
  f.say("a", "old\n");
  f.say("b", "old b\n");
  std::string old;
  const auto all = f.follow({}, 1, &old);
  const auto some = f.follow({"b", "late"}, 0);
  CHECK(messages(old) == Messages{"old b"});
  CHECK(all->take().empty());
  f.say("a", "new a\n");
  f.say("b", "new b\n");
  f.say("late", "late\n");
  CHECK(messages(take_all(*all)) == Messages{"new a", "new b", "late"});
  CHECK(messages(take_all(*some)) == Messages{"new b", "late"});
}

TEST_CASE("A line without its end comes after a moment") {
  FollowerFixture f;
  const auto follower = f.follow({}, 0);
  CHECK(follower->next_due() == base::SteadyTime::max());
  f.say("a", "prompt> ");
  CHECK(follower->take().empty());
  const auto due = follower->next_due();
  REQUIRE(due < base::SteadyTime::max());
  std::this_thread::sleep_until(due);
  CHECK(messages(take_all(*follower)) == Messages{"prompt> "});
  f.say("a", "answer\n");
  CHECK(messages(take_all(*follower)) == Messages{"answer"});
  CHECK(follower->next_due() == base::SteadyTime::max());
  f.say("a", "cut short");
  f.manager.service("a").end_output();
  CHECK(messages(take_all(*follower)) == Messages{"cut short"});
}

TEST_CASE("A follower that doesn't read loses the middle and is told once") {
  FollowerFixture f;
  const auto follower = f.follow({}, 0, nullptr, false);
  for (int i = 0; i < 60000; ++i) f.say("a", "line " + std::to_string(i) + "\n");
  CHECK_FALSE(f.manager.service("a").held_back());
  // Known before it takes anything.
  CHECK(f.manager.service("a").lost() > 40000);
  const Messages found = messages(take_all(*follower));
  CHECK(found.size() < 20000);
  CHECK(std::ranges::count(found, std::string(truncation_mark)) == 1);
  CHECK(found.front() == "line 0");
  CHECK(found.back() == "line 59999");
  // The mark is no entry.
  CHECK(f.manager.service("a").lost() == 60000 - (found.size() - 1));
}

TEST_CASE("A follower that may hold services loses nothing of what they write until they wait") {
  FollowerFixture f;
  const auto follower = f.follow({}, 0);
  int lines = 0;
  while (!f.manager.service("a").held_back()) {
    f.say("a", std::string(16 * 1024, '\n'));
    lines += 16 * 1024;
  }
  bool resumed = false;
  f.manager.service("a").when_released([&] { resumed = true; });
  const Messages found = messages(take_all(*follower));
  CHECK(found.size() == static_cast<std::size_t>(lines));
  CHECK(resumed);
}

}  // namespace
}  // namespace cobble::logs
