#include "daemon/logs/forwarding/queue.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "daemon/logs/entries.h"
#include "daemon/logs/forwarding/retry.h"

namespace cobble::logs::forwarding {
namespace {

const auto stream = std::make_shared<const Stream>(Stream{"s", {}});

void fill(EntryQueue& queue, int from, int to) {
  for (int i = from; i < to; ++i) queue.add({i, stream, std::to_string(i)});
}

TEST_CASE("A hundred entries at once, more from a long backlog") {
  EntryQueue queue;
  fill(queue, 0, 250);
  CHECK(queue.take_batch().size() == 100);
  CHECK(queue.take_batch().size() == 100);
  CHECK(queue.take_batch().size() == 50);
  CHECK(queue.take_batch().empty());
  CHECK(queue.bytes() == 0);
  fill(queue, 0, 6000);
  CHECK(queue.take_batch().size() == backlog_batch_entries);
  EntryQueue large;
  for (int i = 0; i < 1001; ++i) large.add({0, stream, std::string(3000, 'x')});
  CHECK(large.take_batch().size() < 400);
}

TEST_CASE("A batch that comes back stands first, and the oldest go when there is no room") {
  const std::size_t cost = QueuedEntry{0, stream, "123"}.cost();
  EntryQueue queue(cost * 150);
  fill(queue, 100, 200);
  auto batch = queue.take_batch();
  fill(queue, 200, 290);
  queue.put_back(std::move(batch));
  CHECK(queue.size() == 150);
  CHECK(queue.dropped() == 40);
  CHECK(queue.nearly_full());
  batch = queue.take_batch();
  CHECK(batch[0].message == truncation_mark);
  CHECK(batch[0].time == 139);
  CHECK(batch[1].time == 140);
  CHECK_FALSE(queue.nearly_full());
  // The mark comes back with its batch, is overtaken by more, and stands there once again, counted nowhere.
  fill(queue, 290, 400);
  queue.put_back(std::move(batch));
  CHECK(queue.size() <= 150);
  const std::uint64_t dropped = queue.dropped();
  CHECK(dropped > 40);
  batch = queue.take_batch();
  CHECK(std::ranges::count(batch, truncation_mark, &QueuedEntry::message) == 1);
  CHECK(batch[0].message == truncation_mark);
  CHECK(batch[1].time == batch[0].time + 1);
  CHECK(dropped == static_cast<std::uint64_t>(batch[1].time) - 100);
}

TEST_CASE("Each stream that lost entries gets its mark") {
  EntryQueue queue(QueuedEntry{0, stream, "1"}.cost() * 4);
  const auto other = std::make_shared<const Stream>(Stream{"t", {}});
  for (int i = 0; i < 8; ++i) queue.add({i, i % 2 == 0 ? stream : other, "x"});
  const auto batch = queue.take_batch();
  REQUIRE(batch.size() == 6);
  CHECK(std::ranges::count(batch, truncation_mark, &QueuedEntry::message) == 2);
  CHECK(batch[0].stream != batch[1].stream);
  CHECK(batch[2].time == 4);
}

TEST_CASE("Delays grow to a limit, and start small again after a success") {
  RetryDelay delay;
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  CHECK(delay.next(0, {}) == milliseconds(500));
  CHECK(delay.next(1, {}) == milliseconds(800));
  for (int i = 0; i < 10; ++i) delay.next(0, {});
  CHECK(delay.next(0, {}) == seconds(10));
  CHECK(delay.next(0, seconds(30)) == seconds(30));
  CHECK(delay.next(0, seconds(3000)) == seconds(60));
  delay.succeeded();
  CHECK(delay.next(0, {}) == milliseconds(500));
}

}  // namespace
}  // namespace cobble::logs::forwarding
