#include "daemon/state/notice_book.h"

#include <algorithm>
#include <catch2/catch.hpp>

namespace cobble::state {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using Strings = std::vector<std::string>;

WallTime at(std::int64_t ms) {
  return WallTime(std::chrono::seconds(1'700'000'000)) + milliseconds(ms);
}

Strings keys(const NoticeBook& book, const NoticeFilter& filter, WallTime now) {
  Strings result;
  for (const Notice* notice : book.list(filter, now)) result.push_back(notice->key);
  return result;
}

}  // namespace

TEST_CASE("occurrences of one key") {
  struct Row {
    std::int64_t time;
    Nanoseconds repeat_after;
    std::int64_t last_repeated;
    bool repeated;
  };
  const std::vector<Row> rows{
      {0, milliseconds(500), 0, true},     {203, milliseconds(500), 0, false},
      {706, milliseconds(500), 706, true}, {809, {}, 809, true},
      {912, hours(1), 809, false},         {1015, milliseconds(50), 1015, true},
      {1016, -hours(1), 1016, true},       {1020, Nanoseconds::max(), 1016, false},
  };
  NoticeBook book;
  int woken = 0;
  book.add_waiter({{}, [&woken] { ++woken; }});
  int expected_wakes = 0;
  std::int64_t count = 0;
  for (const Row& row : rows) {
    CAPTURE(row.time);
    std::map<std::string, std::string> data;
    if (count % 2 == 0) data["n"] = std::to_string(count);
    CHECK(book.add(7, "custom", "a.b/c", data, row.repeat_after, at(row.time)) == "1");
    const Notice& notice = *book.find("1");
    expected_wakes += row.repeated;
    CHECK(notice.occurrences == ++count);
    CHECK(notice.first_occurred == at(0));
    CHECK(notice.last_occurred == at(row.time));
    CHECK(notice.last_repeated == at(row.last_repeated));
    CHECK(notice.repeat_after == row.repeat_after);
    CHECK(notice.last_data == data);
    CHECK(woken == expected_wakes);
  }
}

TEST_CASE("user, type and key make a notice") {
  NoticeBook book;
  CHECK(book.add(1, "custom", "a.b/c", {}, {}, at(0)) == "1");
  CHECK(book.add(2, "custom", "a.b/c", {}, {}, at(1)) == "2");
  CHECK(book.add(std::nullopt, "custom", "a.b/c", {}, {}, at(2)) == "3");
  CHECK(book.add(1, "warning", "a.b/c", {}, {}, at(3)) == "4");
  CHECK(book.add(1, "custom", "a.b/d", {}, {}, at(4)) == "5");
  CHECK(book.add(2, "custom", "a.b/c", {}, {}, at(5)) == "2");
}

TEST_CASE("filters") {
  NoticeBook book;
  book.add(1, "custom", "mine", {}, {}, at(0));
  book.add(2, "custom", "yours", {}, {}, at(1));
  book.add(std::nullopt, "change-update", "3", {}, {}, at(2));
  book.add(1, "custom", "mine", {}, {}, at(3));
  const WallTime now = at(10);
  CHECK(keys(book, {}, now) == Strings{"yours", "3", "mine"});
  CHECK(keys(book, {.user_id = 1, .types = {}, .keys = {}, .after = {}}, now) == Strings{"3", "mine"});
  CHECK(keys(book, {.user_id = 9, .types = {}, .keys = {}, .after = {}}, now) == Strings{"3"});
  CHECK(keys(book, {.user_id = {}, .types = {"custom"}, .keys = {}, .after = {}}, now) == Strings{"yours", "mine"});
  CHECK(keys(book, {.user_id = {}, .types = {}, .keys = {"3", "yours"}, .after = {}}, now) == Strings{"yours", "3"});
  CHECK(keys(book, {.user_id = {}, .types = {}, .keys = {}, .after = at(2)}, now) == Strings{"mine"});
  CHECK(book.any({.user_id = {}, .types = {}, .keys = {}, .after = at(2)}, now));
  CHECK_FALSE(book.any({.user_id = {}, .types = {}, .keys = {}, .after = at(3)}, now));
}

TEST_CASE("two notices of the same instant are told apart by their times") {
  NoticeBook book;
  book.add(1, "custom", "a", {}, {}, at(0));
  book.add(1, "custom", "b", {}, {}, at(0));
  CHECK(keys(book, {.user_id = {}, .types = {}, .keys = {}, .after = at(0)}, at(1)) == Strings{"b"});
}

TEST_CASE("waiters hear of what they wait for") {
  NoticeBook book;
  int ours = 0;
  int others = 0;
  const auto place = book.add_waiter({{.user_id = 1, .types = {}, .keys = {"k"}, .after = {}}, [&ours] { ++ours; }});
  book.add_waiter({{.user_id = 2, .types = {}, .keys = {}, .after = {}}, [&others] { ++others; }});
  book.add(1, "custom", "k", {}, {}, at(0));
  book.add(1, "custom", "other", {}, {}, at(1));
  CHECK(ours == 1);
  CHECK(others == 0);
  book.remove_waiter(place);
  book.add(std::nullopt, "custom", "k", {}, {}, at(2));
  CHECK(ours == 1);
  CHECK(others == 1);
}

TEST_CASE("an expired notice is not listed, and lives on with a new occurrence until it is pruned") {
  NoticeBook book;
  book.add(1, "custom", "k", {}, {}, at(0));
  const WallTime later = at(1) + NoticeBook::expire_after;
  CHECK(keys(book, {}, at(0) + NoticeBook::expire_after) == Strings{"k"});
  CHECK(keys(book, {}, later).empty());
  CHECK(book.find("1") != nullptr);
  SECTION("revived") {
    CHECK(book.add(1, "custom", "k", {}, {}, later) == "1");
    CHECK(book.find("1")->occurrences == 2);
    CHECK(keys(book, {}, later) == Strings{"k"});
  }
  SECTION("pruned") {
    CHECK(book.prune([](std::string_view) { return true; }, later).notices == 1);
    CHECK(book.find("1") == nullptr);
    CHECK(book.add(1, "custom", "k", {}, {}, later) == "2");
  }
}

TEST_CASE("pruning takes notices of gone changes and the oldest over a thousand") {
  NoticeBook book;
  book.add(std::nullopt, "change-update", "1", {}, {}, at(0));
  book.add(std::nullopt, "change-update", "2", {}, {}, at(1));
  for (int i = 0; i < 1001; ++i) book.add(1, "custom", "k" + std::to_string(i), {}, {}, at(10 + i));
  const NoticePrune result = book.prune([](std::string_view id) { return id == "2"; }, at(2000));
  CHECK(result.notices == 3);
  CHECK(result.first == at(0));
  CHECK(result.last == at(10));
  CHECK(book.size() == 1000);
  CHECK(book.find("2") == nullptr);
  CHECK(book.find("4") != nullptr);
}

TEST_CASE("the newest warning") {
  NoticeBook book;
  CHECK_FALSE(book.latest_warning(at(0)));
  book.add(1, "custom", "k", {}, {}, at(0));
  CHECK_FALSE(book.latest_warning(at(1)));
  book.add_warning("disk is full", at(5));
  book.add_warning("clock jumped", at(7));
  CHECK(book.latest_warning(at(8)) == at(7));
  book.add_warning("disk is full", at(9));  // within 24 hours: not repeated
  CHECK(book.latest_warning(at(10)) == at(7));
  CHECK_FALSE(book.latest_warning(at(20) + NoticeBook::expire_after));
  book.prune([](std::string_view) { return true; }, at(20) + NoticeBook::expire_after);
  CHECK(book.size() == 0);
  book.add_warning("new", at(30) + NoticeBook::expire_after);
  CHECK(book.latest_warning(at(31) + NoticeBook::expire_after) == at(30) + NoticeBook::expire_after);
}

TEST_CASE("what is loaded goes on") {
  Notice kept;
  kept.id = "4";
  kept.user_id = 5;
  kept.type = "custom";
  kept.key = "k";
  kept.last_occurred = at(0);
  kept.occurrences = 3;
  kept.expire_after = hours(1);
  Notice expired = kept;
  expired.id = "5";
  expired.key = "old";
  expired.expire_after = milliseconds(1);
  Notice twice = kept;
  twice.id = "6";
  NoticeBook book;
  book.load({kept, expired, twice}, 9, at(100));
  CHECK(book.size() == 1);
  CHECK(book.add(5, "custom", "k", {}, {}, at(101)) == "4");
  CHECK(book.find("4")->occurrences == 4);
  CHECK(book.add(5, "custom", "old", {}, {}, at(102)) == "10");
}

TEST_CASE("the list for the state file follows each modification") {
  NoticeBook book;
  int changes = 0;
  book.set_on_change([&changes] { ++changes; });
  book.add(1, "custom", "a", {{"k", "<"}}, milliseconds(90'000), at(0));
  const auto text = [&book](WallTime now) {
    std::string result;
    for (const Piece& piece : book.pieces(now)) result += *piece;
    return result;
  };
  CHECK(text(at(1)).starts_with(R"({"id":"1","user-id":1,"type":"custom","key":"a","first-occurred":")"));
  CHECK(text(at(1)).ends_with(R"("occurrences":1,"last-data":{"k":"\u003c"},"repeat-after":"1m30s","expire-after":"168h0m0s"})"));
  book.add(1, "custom", "a", {}, {}, at(2));
  CHECK(text(at(3)).contains(R"("occurrences":2,"expire-after":"168h0m0s")"));
  CHECK(changes == 2);
  for (int i = 0; i < 99; ++i) book.add(1, "custom", "k" + std::to_string(i), {}, {}, at(4));
  const Pieces before = book.pieces(at(5));
  book.add(1, "custom", "k50", {}, {}, at(6));
  const Pieces after = book.pieces(at(7));
  REQUIRE(before.size() == after.size());
  std::size_t same = 0;
  for (std::size_t i = 0; i < before.size(); ++i) same += before[i] == after[i];
  CHECK(same >= 3);
  const std::string all = text(at(8));
  CHECK(std::ranges::count(all, '{') == 100);
  NoticeBook later;
  CHECK(later.pieces(at(0)).empty());
}

TEST_CASE("an expired notice is not among the bytes") {
  NoticeBook book;
  book.add(1, "custom", "a", {}, {}, at(0));
  CHECK(book.pieces(at(1) + NoticeBook::expire_after).empty());
}

}  // namespace cobble::state
