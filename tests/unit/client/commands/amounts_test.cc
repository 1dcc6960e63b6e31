#include "client/commands/amounts.h"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "client/commands/table.h"
#include "client/commands/when.h"

using namespace cobble::client;
using namespace std::chrono_literals;

TEST_CASE("sizes have at most four characters before the B") {
  const std::vector<std::pair<std::int64_t, const char*>> cases = {
      {0, "0B"},         {5000, "5000B"},    {5001, "5.00kB"},           {9494, "9.49kB"},
      {9500, "9.5kB"},   {9999, "10.0kB"},   {99499, "99.5kB"},          {99500, "100kB"},
      {999499, "999kB"}, {999500, "1.00MB"}, {12'900'000'000, "12.9GB"}, {INT64_MAX, "9.22EB"},
  };
  for (const auto& [bytes, text] : cases) CHECK(show_size(bytes) == text);
}

TEST_CASE("durations have four or five characters") {
  const std::vector<std::pair<Nanoseconds, const char*>> cases = {
      {3ns, "3.0ns"},    {36us, " 36µs"},  {430ms, "430ms"},  {5160ms, "5.16s"},  {10s, "10.0s"},
      {62s, "1m02s"},    {744s, "12.4m"},  {1h, "60.0m"},     {149min, "2h29m"},  {609min, "10h9m"},
      {631min, "10.5h"}, {24h, "1d00h"},   {30h, "1d06h"},    {345h, "14d9h"},    {357h, "14.9d"},
      {672h, "28d0h"},   {4272h, " 178d"}, {51361h, "5.86y"}, {59900ms, "59.9s"}, {599s, "9m59s"},
  };
  for (const auto& [duration, text] : cases) CHECK(show_short_duration(duration) == text);
}

TEST_CASE("times are told by calendar days") {
  setenv("TZ", "UTC", 1);
  const std::int64_t noon = 1'700'049'600;  // 2023-11-15T12:00:00Z
  const auto at = [&](int days) { return show_time_at({noon + days * 86400, 0, 0}, noon); };
  CHECK(at(0) == "today at 12:00 UTC");
  CHECK(at(-1) == "yesterday at 12:00 UTC");
  CHECK(at(1) == "tomorrow at 12:00 UTC");
  CHECK(at(-60) == "60 days ago, at 12:00 UTC");
  CHECK(at(60) == "in 60 days, at 12:00 UTC");
  CHECK(at(-61) == "2023-09-15");
  CHECK(show_time(std::nullopt, false) == "-");
  CHECK(show_time(Time::zero(), true) == "-");
  CHECK(show_time(Time{noon, 999'999'999, 3600}, true) == "2023-11-15T13:00:00+01:00");
}

TEST_CASE("columns are as wide as their longest cell and two blanks, at least five") {
  Table table;
  table.add({"ID", "Name", "End"});
  table.add({"1", "sérvïce", "x"});
  table.add({"2", "a\tb\nc", ""});
  CHECK(table.text() == "ID   Name     End\n1    sérvïce  x\n2    a b c    \n");
}
