#include "daemon/logs/forwarding/target.h"

#include <catch2/catch.hpp>

#include "tests/unit/daemon/logs/fixture.h"

namespace cobble::logs::forwarding {
namespace {

using Messages = std::vector<std::string>;
using Kind = Outcome::Kind;

/// What a target was sent, and the answers that it gives.
struct Record {
  std::vector<Messages> batches;
  std::vector<std::map<std::string, std::string>> labels;  ///< of each batch's first entry
  std::deque<Kind> answers;                                ///< then: sent
  bool hangs = false;
  std::size_t wanted = 0;  ///< batches after which the loop ends

  std::size_t entries() const {
    std::size_t sum = 0;
    for (const auto& batch : batches) sum += batch.size();
    return sum;
  }
};

class FakeSender final : public Sender {
 public:
  FakeSender(base::IoContext& loop, Record& record) : loop_(loop), record_(record) {}
  base::Task<Outcome> send(std::span<const QueuedEntry> batch, base::Nanoseconds) override {
    auto& messages = record_.batches.emplace_back();
    for (const auto& entry : batch) messages.push_back(entry.message);
    record_.labels.push_back(batch.front().stream->labels);
    if (record_.batches.size() == record_.wanted) loop_.stop();
    if (record_.hangs && !co_await base::sleep_for(std::chrono::hours(1))) co_return Outcome{Kind::keep, "cancelled", 0, 0, {}};
    Outcome outcome;
    if (!record_.answers.empty()) {
      outcome.kind = record_.answers.front();
      outcome.reason = "no";
      record_.answers.pop_front();
    }
    co_return outcome;
  }

 private:
  base::IoContext& loop_;
  Record& record_;
};

struct TargetFixture : LogsFixture {
  Record record;
  layers::Plan plan;
  layers::LogTarget definition;
  std::shared_ptr<Target> target = std::make_shared<Target>(loop, manager, "t", std::make_unique<FakeSender>(loop, record));

  TargetFixture() {
    definition.name = "t";
    definition.services = {"all"};
  }
  ~TargetFixture() { target->stop_reading(); }

  void begin() {
    target->configure(plan, definition);
    target->start();
  }
  /// Runs until that many batches were sent.
  void run_until(std::size_t batches) {
    record.wanted = batches;
    loop.restart();
    loop.run();
    // What the last answer brings about.
    loop.restart();
    loop.poll();
  }
  void stop(base::Nanoseconds limit) {
    bool ended = false;
    base::spawn(loop, "stop", [](Target& t, base::Nanoseconds l, bool& done, base::IoContext& io) -> base::Task<void> {
      co_await t.stop(l);
      done = true;
      io.stop();
    }(*target, limit, ended, loop));
    loop.restart();
    loop.run();
    CHECK(ended);
  }
};

TEST_CASE("A burst goes in hundreds, the rest a second later; all of it once and in order") {
  TargetFixture f;
  f.begin();
  for (int i = 0; i < 250; ++i) f.say("a", std::to_string(i) + "\n");
  f.run_until(3);
  REQUIRE(f.record.batches.size() == 3);
  CHECK(f.record.batches[0].size() == 100);
  CHECK(f.record.batches[1].front() == "100");
  CHECK(f.record.batches[2].size() == 50);
  CHECK(f.target->status().sent == 250);
}

TEST_CASE("What fails is sent again, what is refused is not") {
  TargetFixture f;
  f.record.answers = {Kind::keep, Kind::drop, Kind::sent};
  f.begin();
  f.say("a", "one\n");
  f.run_until(1);
  CHECK(f.target->status().queued == 1);
  CHECK(f.target->status().last_error == "no");
  f.say("a", "two\n");
  f.run_until(2);
  CHECK(f.record.batches[1] == Messages{"one", "two"});
  CHECK(f.target->status().dropped == 2);
  CHECK(f.manager.service("a").lost() == 2);
  f.say("a", "three\n");
  f.run_until(3);
  CHECK(f.record.batches[2] == Messages{"three"});
}

TEST_CASE("Services and labels are those of the plan when the entry came") {
  TargetFixture f;
  f.plan.services["a"].environment = layers::StringMap{{"V", "1"}};
  f.definition.services = {"a"};
  f.definition.labels = {{"v", "<$V>"}};
  f.say("a", "history\n");
  f.say("b", "history of b\n");
  f.begin();
  f.plan.services["a"].environment = layers::StringMap{{"V", "2"}};
  f.definition.services = {"a", "b"};
  f.target->configure(f.plan, f.definition);
  f.say("a", "new\n");
  f.run_until(1);
  CHECK(f.record.batches[0] == Messages{"history", "history of b", "new"});
  CHECK(f.record.labels[0]["v"] == "<1>");
  f.definition.services = {"a", "b", "-all"};
  f.target->configure(f.plan, f.definition);
  f.say("a", "not sent\n");
  f.definition.services.emplace_back("b");
  f.target->configure(f.plan, f.definition);
  f.say("b", "sent\n");
  f.run_until(2);
  CHECK(f.record.batches[1] == Messages{"sent"});
}

TEST_CASE("At the end what is left goes at once, and a target that hangs is given up") {
  TargetFixture f;
  f.begin();
  f.say("a", "last words");
  f.manager.service("a").end_output();
  f.stop(std::chrono::seconds(10));
  CHECK(f.record.batches == std::vector<Messages>{{"last words"}});

  TargetFixture hanging;
  hanging.record.hangs = true;
  hanging.begin();
  hanging.say("a", "one\n");
  hanging.run_until(1);
  hanging.stop(std::chrono::milliseconds(40));
  CHECK(hanging.record.batches.size() == 2);
  CHECK(hanging.target->status().queued == 0);
  CHECK(hanging.manager.service("a").lost() == 1);
}

TEST_CASE("A target that is down loses the oldest, counts them, and holds nobody") {
  TargetFixture f;
  f.record.answers = {Kind::keep};
  f.begin();
  f.say("a", "one\n");
  f.run_until(1);
  for (int i = 0; i < 30000; ++i) f.say("a", std::string(200, 'x') + "\n");
  f.say("a", "newest\n");
  CHECK(f.target->status().dropped > 10000);
  CHECK(f.manager.service("a").lost() == f.target->status().dropped);
  CHECK_FALSE(f.manager.service("a").held_back());
}

TEST_CASE("A target that is sent to holds services when its queue is nearly full") {
  TargetFixture f;
  f.record.hangs = true;
  f.begin();
  f.say("a", "one\n");
  f.run_until(1);
  int lines = 0;
  while (!f.manager.service("a").held_back()) {
    f.say("a", std::string(16 * 1024, '\n'));
    lines += 16 * 1024;
  }
  CHECK(f.target->status().dropped == 0);
  CHECK(f.target->status().queued == static_cast<std::size_t>(lines));
}

}  // namespace
}  // namespace cobble::logs::forwarding
