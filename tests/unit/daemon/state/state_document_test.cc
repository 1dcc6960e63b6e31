#include "daemon/state/state_document.h"

#include <catch2/catch.hpp>

#include "daemon/state/state_image.h"

namespace cobble::state {
namespace {

const WallTime now = WallTime(std::chrono::seconds(1'700'000'000));

std::string join(const Pieces& pieces) {
  std::string text;
  for (const Piece& piece : pieces) text += *piece;
  return text;
}

/// What a daemon writes that has read `text`.
std::string rewrite(std::string_view text) {
  auto document = parse_document(text);
  REQUIRE(document);
  std::vector<std::string> log;
  REQUIRE(upgrade_document(*document, now, log));
  NoticeBook notices;
  ChangeBook book;
  StateImage image;
  notices.load(document->notices, document->last_notice_id, now);
  book.load(document->changes, document->tasks, document->counters, now);
  image.apply(book.take_effects());
  return join(image.compose(document->data, book, notices, now));
}

std::vector<std::string> upgrade(std::string_view text, RecordData& data) {
  auto document = parse_document(text);
  REQUIRE(document);
  std::vector<std::string> log;
  REQUIRE(upgrade_document(*document, now, log));
  data = document->data;
  return log;
}

constexpr std::string_view full =
    R"({"data":{"identities":{"bob":{"access":"admin","local":{"user-id":1000}}},"patch-level":2,"patch-sublevel":0,)"
    R"("start-of-operation-time":"2023-11-01T00:00:00Z","unknown":{"kept":[1,"two",null,true]}},"changes":{)"
    R"("1":{"id":"1","kind":"start","summary":"Start service \"a\" and 1 more","status":0,"clean":true,"data":{"service-names":["a","\u003cb\u003e"]},)"
    R"("task-ids":["1","2"],"spawn-time":"2023-11-02T00:00:00.123456789Z","ready-time":"2023-11-02T00:00:01Z","last-recorded-notice-status":9},)"
    R"("8":{"id":"8","kind":"replan","summary":"Replan - no services","status":4,"spawn-time":"2023-11-02T00:00:00Z","ready-time":"2023-11-02T00:00:00Z",)"
    R"("last-recorded-notice-status":4}},"tasks":{)"
    R"("1":{"id":"1","kind":"start","summary":"Start service \"a\"","status":4,"waited-status":0,"clean":true,)"
    R"("progress":{"done":2,"label":"half way","total":4},"data":{"service-request":{"Name":"a"},"started":true},"halt-tasks":["2"],"lanes":[1],)"
    R"("change":"1","spawn-time":"2023-11-02T00:00:00Z","ready-time":"2023-11-02T00:00:01Z","doing-time":1002829888},)"
    R"("2":{"id":"2","kind":"start","summary":"Start service \"b\"","status":9,"waited-status":0,"wait-tasks":["1"],"lanes":[1],)"
    R"("log":["2023-11-02T00:00:00Z INFO words:\n    two lines","2023-11-02T00:00:00Z ERROR it broke"],"change":"1",)"
    R"("spawn-time":"2023-11-02T00:00:00Z","ready-time":"2023-11-02T00:00:01Z","undoing-time":5,"at-time":"2023-11-02T00:00:01Z"}},"notices":[)"
    R"({"id":"2","user-id":0,"type":"custom","key":"a.b/c","first-occurred":"2023-11-10T00:00:00Z","last-occurred":"2023-11-14T00:00:00Z",)"
    R"("last-repeated":"2023-11-13T00:00:00Z","occurrences":3,"last-data":{"k":"\u003cv\u003e"},"repeat-after":"24h0m0s","expire-after":"168h0m0s"},)"
    R"({"id":"3","user-id":null,"type":"change-update","key":"1","first-occurred":"2023-11-10T00:00:00Z","last-occurred":"2023-11-14T00:00:00Z",)"
    R"("last-repeated":"2023-11-13T00:00:00Z","occurrences":1,"expire-after":"168h0m0s"}],)"
    R"("last-change-id":8,"last-task-id":9,"last-lane-id":2,"last-notice-id":5})";

}  // namespace

TEST_CASE("a state file comes back byte for byte") {
  CHECK(rewrite(full) == full);
}

TEST_CASE("a fresh file") {
  CHECK(
      rewrite("{}") ==
      R"({"data":{"patch-level":2,"patch-sublevel":0,"start-of-operation-time":"2023-11-14T22:13:20Z"},"changes":{},"tasks":{},)"
      R"("last-change-id":0,"last-task-id":0,"last-lane-id":0,"last-notice-id":0})");
  for (const char* text : {"null", "{\"data\":null}", "{\"changes\":null,\"tasks\":null,\"notices\":null} and more"})
    CHECK(rewrite(text) == rewrite("{}"));
}

TEST_CASE("unknown members at the top are dropped, expired notices too, times in any zone are read") {
  const std::string text = rewrite(
      R"({"new":1,"changes":{"4":{"kind":"x","spawn-time":"2023-11-02T02:00:00+02:00"}},"notices":[{"id":"1","user-id":null,"type":"custom","key":"k",)"
      R"("first-occurred":"2023-11-02T00:00:00Z","last-occurred":"2023-11-02T00:00:00Z","last-repeated":"2023-11-02T00:00:00Z","occurrences":1,)"
      R"("expire-after":"1h"}]})");
  CHECK(text.contains(R"("4":{"id":"4","kind":"x","summary":"","status":0,"spawn-time":"2023-11-02T00:00:00Z"})"));
  CHECK_FALSE(text.contains("new"));
  CHECK_FALSE(text.contains("notices"));
  // A counter never gives out the number of what is there.
  CHECK(text.contains(R"("last-change-id":4)"));
}

TEST_CASE("what is no state file is refused with its reason") {
  const std::vector<std::pair<std::string_view, std::string_view>> rows{
      {"", "EOF"},
      {R"({"data": {"patch-level": 2}, "changes": )", "unexpected EOF"},
      {"garbage", "invalid character 'g' looking for beginning of value"},
      {R"({"data":{},"changes":{"1":{"spawn-time":"bad"}}})",
       "parsing time \"bad\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"bad\" as \"2006\""},
      {R"({"notices":[{"repeat-after":"zzz"}]})", "invalid repeat-after duration: time: invalid duration \"zzz\""},
      {R"({"changes": 7})", "json: cannot unmarshal number into Go struct field .changes of type object"},
      {R"({"changes": {"1":[]}})", "json: cannot unmarshal array into Go struct field .value of type object"},
      {R"({"tasks": {"1":{"status":"Do"}}})", "json: cannot unmarshal string into Go struct field .status of type int"},
      {R"({"tasks": {"1":{"status":11}}})", "unknown status 11"},
      {R"({"tasks": {"1":{"lanes":[1,"2"]}}})", "json: cannot unmarshal string into Go struct field .lanes of type int"},
      {R"({"last-change-id": 99999999999999999999})",
       "json: cannot unmarshal number into Go struct field .last-change-id of type int"},
      {"[]", "json: cannot unmarshal array into Go struct field .value of type object"},
  };
  for (const auto& [text, reason] : rows) {
    CAPTURE(text);
    const auto document = parse_document(text);
    REQUIRE_FALSE(document);
    CHECK(document.error() == reason);
  }
}

TEST_CASE("older files are brought up to date, newer ones refused") {
  using Lines = std::vector<std::string>;
  RecordData data;
  CHECK(upgrade(R"({"data":{"x":1}})", data) ==
        Lines{"Patching system state from level 0 to 1", "Patching system state from level 1 to 2"});
  CHECK(data["patch-level"] == "2");
  CHECK(data["x"] == "1");
  CHECK(upgrade(R"({"data":{"patch-level":1},"identities":{"bob":{"access":"read"}}})", data) ==
        Lines{"Patching system state from level 1 to 2", "Loaded legacy identities from state file"});
  CHECK(data["identities"] == R"({"bob":{"access":"read"}})");
  CHECK(upgrade(R"({"data":{"patch-level":1,"identities":{"amy":{}}},"identities":{"bob":{}}})", data) ==
        Lines{"Patching system state from level 1 to 2",
              "WARNING: both new and legacy identities found in state file, ignoring legacy"});
  CHECK(data["identities"] == R"({"amy":{}})");
  CHECK(upgrade(R"({"data":{"patch-level":2,"patch-sublevel":9,"system-restart-from-boot-id":"x"}})", data).empty());
  CHECK(data["patch-sublevel"] == "0");
  CHECK_FALSE(data.contains("system-restart-from-boot-id"));

  auto newer = parse_document(R"({"data":{"patch-level":3}})");
  REQUIRE(newer);
  Lines log;
  const auto refused = upgrade_document(*newer, now, log);
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == "cannot downgrade: software version is too old for the current system state (patch level 3)");
}

TEST_CASE("a task or change that is modified shows in the next bytes, the others' bytes are kept") {
  ChangeBook book;
  NoticeBook notices;
  StateImage image;
  const auto bytes = [&] {
    image.apply(book.take_effects());
    return image.compose({}, book, notices, now);
  };
  NewChange made;
  made.kind = "start";
  for (int i = 0; i < 100; ++i) made.tasks.push_back({"start", "task", {}, {}, 0});
  book.add(std::move(made), now);
  book.add({"other", "", {}, {}, {}, Status::done}, now);
  const Pieces before = bytes();
  CHECK(join(before) == join(bytes()));
  book.set_task_data("70", "started", "true");
  const Pieces after = bytes();
  CHECK(join(after).contains(
      R"("70":{"id":"70","kind":"start","summary":"task","status":2,"waited-status":0,"data":{"started":true})"));
  REQUIRE(before.size() == after.size());
  std::size_t same = 0;
  for (std::size_t i = 0; i < before.size(); ++i) same += before[i] == after[i];
  CHECK(same >= 5);  // both changes and all blocks of tasks but one
  book.prune({.ready_age = {}, .abort_age = std::chrono::hours(1), .ready_changes = 0}, now, now + std::chrono::seconds(1));
  CHECK_FALSE(join(bytes()).contains("other"));
}

}  // namespace cobble::state
