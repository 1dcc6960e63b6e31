#include "daemon/logs/query.h"

#include <catch2/catch.hpp>

#include "tests/unit/daemon/logs/fixture.h"

namespace cobble::logs {
namespace {

std::string history(LogsFixture& f, const Selection& selection, std::int64_t newest) {
  std::string out;
  History all(f.manager, selection, newest);
  CHECK_FALSE(all.fill(out, 10'000'000));
  return out;
}

TEST_CASE("Entries of several services come by time, then by name, the newest of all of them") {
  LogsFixture f;
  f.say("zz", "z1\nz2\n", 10);
  f.say("aa", "a1\n", 10);
  f.say("m", "m0\n", 5);
  f.say("m", "m1\n", 110);
  CHECK(history(f, {}, -1) ==
        "{\"time\":\"2026-11-23T07:36:04.005Z\",\"service\":\"m\",\"message\":\"m0\"}\n"
        "{\"time\":\"2026-11-23T07:36:04.01Z\",\"service\":\"aa\",\"message\":\"a1\"}\n"
        "{\"time\":\"2026-11-23T07:36:04.01Z\",\"service\":\"zz\",\"message\":\"z1\"}\n"
        "{\"time\":\"2026-11-23T07:36:04.01Z\",\"service\":\"zz\",\"message\":\"z2\"}\n"
        "{\"time\":\"2026-11-23T07:36:04.11Z\",\"service\":\"m\",\"message\":\"m1\"}\n");
  CHECK(history(f, {}, 2) ==
        "{\"time\":\"2026-11-23T07:36:04.01Z\",\"service\":\"zz\",\"message\":\"z2\"}\n"
        "{\"time\":\"2026-11-23T07:36:04.11Z\",\"service\":\"m\",\"message\":\"m1\"}\n");
  CHECK(history(f, {"aa", "nope"}, INT64_MAX) ==
        "{\"time\":\"2026-11-23T07:36:04.01Z\",\"service\":\"aa\",\"message\":\"a1\"}\n");
  CHECK(history(f, {}, 0).empty());
  CHECK(history(f, {"nope"}, -1).empty());
}

TEST_CASE("Pieces of a long line count one by one, and the unfinished line counts") {
  LogsFixture f;
  f.say("a", std::string(6000, 'x') + "y\nrest", 1000);
  const std::string found = history(f, {}, 2);
  CHECK(found.find("xy\"}\n") < 3000);
  CHECK(found.ends_with("{\"time\":\"2026-11-23T07:36:05Z\",\"service\":\"a\",\"message\":\"rest\"}\n"));
  CHECK(std::ranges::count(found, '\n') == 2);
}

TEST_CASE("Bytes become JSON as the contract says, and no line is longer than clients read") {
  LogsFixture f;
  f.say("bin", "<a href=\"x\">&\\ \x01\x1b\x7f \xff\xc3( \xed\xa0\x80 \xe2\x80\xa8 \xc3\xa9\n");
  CHECK(history(f, {}, -1).find("\"<a href=\\\"x\\\">&\\\\ \\u0001\\u001b\x7f \xEF\xBF\xBD\xEF\xBF\xBD( "
                                "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD \\u2028 \xc3\xa9\"") != std::string::npos);
  f.say("bin", std::string(40000, '\0') + "\n");
  const std::string found = history(f, {}, -1);
  for (std::size_t begin = 0; begin < found.size();) {
    const std::size_t end = found.find('\n', begin);
    REQUIRE(end + 1 - begin <= json_line_limit);
    begin = end + 1;
  }
}

TEST_CASE("Reading ends although the service goes on") {
  LogsFixture f;
  f.say("a", "1\n2\n");
  History all(f.manager, {}, -1);
  std::string out;
  CHECK(all.fill(out, 1));
  f.say("a", "3\n");
  CHECK_FALSE(all.fill(out, 1'000'000));
  CHECK(std::ranges::count(out, '\n') == 2);
}

}  // namespace
}  // namespace cobble::logs
