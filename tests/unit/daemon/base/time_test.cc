#include "daemon/base/time.h"

#include <stdlib.h>
#include <time.h>

#include <catch2/catch.hpp>

using namespace cobble::base;

namespace {

WallTime at(std::int64_t nanoseconds) {
  return WallTime(Nanoseconds(nanoseconds));
}

/// Sets the local time zone for one test.
class Zone {
 public:
  explicit Zone(const char* name) {
    if (const char* old = ::getenv("TZ")) before_ = old;
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  ~Zone() {
    before_.empty() ? ::unsetenv("TZ") : ::setenv("TZ", before_.c_str(), 1);
    ::tzset();
  }

 private:
  std::string before_;
};

}  // namespace

TEST_CASE("times are written") {
  CHECK(format_utc(at(0)) == "1970-01-01T00:00:00Z");
  CHECK(format_utc(at(1'795'420'040'140'716'600)) == "2026-11-23T07:47:20.1407166Z");
  CHECK(format_utc(at(-1)) == "1969-12-31T23:59:59.999999999Z");
  CHECK(format_log_time(at(1'795'420'040'140'999'999)) == "2026-11-23T07:47:20.140Z");
  const Zone india("IST-5:30");
  CHECK(format_local(at(1'795'420'040'500'000'000)) == "2026-11-23T13:17:20.5+05:30");
  CHECK(format_local_seconds(at(1'795'420'040'500'000'000)) == "2026-11-23T13:17:20+05:30");
}

TEST_CASE("UTC as local zone reads Z") {
  const Zone utc("UTC0");
  CHECK(format_local(at(0)) == "1970-01-01T00:00:00Z");
}

TEST_CASE("times are read") {
  CHECK(parse_time("1970-01-01T00:00:00Z") == at(0));
  CHECK(parse_time("2026-11-23T13:17:20.1407166+05:30") == at(1'795'420'040'140'716'600));
  CHECK(parse_time("2026-11-23T7:47:20,5Z") == at(1'795'420'040'500'000'000));
  CHECK(parse_time("2026-11-23T07:47:20.1234567891234Z") == at(1'795'420'040'123'456'789));
}

TEST_CASE("what is wrong with a time is named") {
  const std::pair<const char*, const char*> table[] = {
      {"x", R"(parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006")"},
      {"", R"(parsing time "" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "2006")"},
      {"2026-11-23", R"(parsing time "2026-11-23" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T")"},
      {"2026-11-23T24:00:00Z", R"(parsing time "2026-11-23T24:00:00Z": hour out of range)"},
      {"2026-11-23T00:00:60Z", R"(parsing time "2026-11-23T00:00:60Z": second out of range)"},
      {"2026-02-30T00:00:00Z", R"(parsing time "2026-02-30T00:00:00Z": day out of range)"},
      {"2001-01-01T00:00:00",
       R"(parsing time "2001-01-01T00:00:00" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "Z07:00")"},
      {"2001-01-01T00:00:00Zx", R"(parsing time "2001-01-01T00:00:00Zx": extra text: "x")"},
  };
  for (const auto& [text, wanted] : table) {
    INFO(text);
    const auto read = parse_time(text);
    REQUIRE_FALSE(read);
    CHECK(read.error() == wanted);
  }
}
