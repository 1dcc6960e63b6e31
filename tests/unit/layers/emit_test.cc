#include "layers/emit.h"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace cobble::layers;

TEST_CASE("scalars are quoted where they must be") {
  const std::pair<std::string, std::string> table[] = {
      {"", "\"\""},
      {"8080", "\"8080\""},
      {"1.10", "\"1.10\""},
      {"yes", "\"yes\""},
      {"y", "\"y\""},
      {"~", "\"~\""},
      {"2020-01-01", "\"2020-01-01\""},
      {"12:30:45", "\"12:30:45\""},
      {"1:2", "\"1:2\""},
      {"-1:30", "\"-1:30\""},
      {"1:2:3.5", "\"1:2:3.5\""},
      {"12:60", "12:60"},
      {"0x1f", "\"0x1f\""},
      {"1_000", "\"1_000\""},
      {"null", "\"null\""},
      {"tRue", "tRue"},
      {"None", "None"},
      {"1e400", "1e400"},
      {"1.2.3.4:80", "1.2.3.4:80"},
      {"a:b", "a:b"},
      {"a#b", "a#b"},
      {"-a", "-a"},
      {"--", "--"},
      {"?a", "?a"},
      {"it's", "it's"},
      {"a, b", "a, b"},
      {"x [ y ]", "x [ y ]"},
      {"$FOO", "$FOO"},
      {"=", "\"=\""},
      {"<<", "<<"},
      {"a: b", "'a: b'"},
      {"a:", "'a:'"},
      {"a #b", "'a #b'"},
      {" a", "' a'"},
      {"a ", "'a '"},
      {"- x", "'- x'"},
      {"-", "'-'"},
      {"?", "'?'"},
      {":", "':'"},
      {"---", "'---'"},
      {"...", "'...'"},
      {"#c", "'#c'"},
      {"'x", "'''x'"},
      {"@x", "'@x'"},
      {"a\tb", "\"a\\tb\""},
      {"\x1b", "\"\\e\""},
      {"a\rb", "\"a\\rb\""},
      {"\x7f", "\"\\x7F\""},
      {"\xC2\x85", "\"\\N\""},
      {"\xEF\xBB\xBF", "\"\\uFEFF\""},
      {"a\xE2\x80\xA8"
       "b\xE2\x80\xA9",
       "\"a\\Lb\\P\""},
      {"\xF0\x9F\x8E\x89", "\"\\U0001F389\""},
      {"\xC3\xA9", "\xC3\xA9"},
  };
  for (const auto& [text, wanted] : table) {
    INFO(text);
    CHECK(yaml_scalar(text) == wanted);
  }
}

TEST_CASE("keys are sorted by number") {
  const std::vector<std::string> wanted{
      "#c",    "_a",   "~",     "1",     "2",    "02",   "9x",   "10",  "A",     "SVC",      "Svc",
      "Z",     "a",    "a b",   "a-b",   "a.b",  "a_b",  "a0",   "a00", "a1",    "a1b",      "a1-2",
      "a1-10", "a01",  "a9",    "a10",   "ab",   "b",    "null", "svc", "svc-1", "svc.1",    "svc_1",
      "svc1",  "svc2", "svc02", "svc10", "true", "x: y", "yes",  "z",   "zz",    "\xC3\xA9", "\xE6\x97\xA5\xE6\x9C\xAC"};
  std::vector<std::string> sorted = wanted;
  std::ranges::sort(sorted);
  std::ranges::sort(sorted, yaml_key_less);
  CHECK(sorted == wanted);
}

TEST_CASE("strings with line ends become blocks") {
  Plan plan;
  Service& service = plan.services["svc"];
  service.override_policy = Override::replace;
  service.summary = "multi\nline";
  service.description = "para one\n\npara two\n";
  service.command = "  x\ny\n\n";
  service.after = {"a\nb"};
  service.environment = StringMap{{"A", "a \nb"}, {"B", "a\r\nb\n"}, {"C", "x\ty\nz"}};
  CHECK(to_yaml(plan) ==
        "services:\n    svc:\n        summary: |-\n            multi\n            line\n        description: |\n            para "
        "one\n\n            para two\n"
        "        override: replace\n        command: |4+\n              x\n            y\n\n        after:\n            - |-\n   "
        "           a\n              b\n"
        "        environment:\n            A: \"a \\nb\"\n            B: \"a\\r\\nb\\n\"\n            C: |-\n                "
        "x\ty\n                z\n");
}

TEST_CASE("a block that begins with a blank stands in a list in quotes, a merge key's name too") {
  Plan plan;
  Service& service = plan.services["a"];
  service.override_policy = Override::replace;
  service.after = {" x\ny"};
  service.environment = StringMap{{"<<", "<<"}};
  CHECK(to_yaml(plan) ==
        "services:\n    a:\n        override: replace\n        after:\n            - \" x\\ny\"\n        environment:\n"
        "            \"<<\": <<\n");
}

TEST_CASE("long keys are complex keys") {
  Plan plan;
  plan.services[std::string(128, 'k')].override_policy = Override::replace;
  plan.services[std::string(129, 'l')].override_policy = Override::replace;
  CHECK(to_yaml(plan) == "services:\n    " + std::string(128, 'k') + ":\n        override: replace\n    ? " +
                             std::string(129, 'l') + "\n    :   override: replace\n");
}

TEST_CASE("numbers and durations") {
  Plan plan;
  Service& service = plan.services["a"];
  service.backoff_delay = std::chrono::microseconds(1500);
  service.backoff_limit = std::chrono::hours(24);
  for (const auto& [value, wanted] :
       {std::pair{1.0, "1"}, {2.5, "2.5"}, {100000.0, "100000"}, {1e6, "1e+06"}, {1234567.0, "1.234567e+06"}, {1e21, "1e+21"}}) {
    service.backoff_factor = value;
    CHECK(to_yaml(plan) == std::string("services:\n    a:\n        backoff-delay: 1.5ms\n        backoff-factor: ") + wanted +
                               "\n        backoff-limit: 24h0m0s\n");
  }
  CHECK(to_yaml({}) == "{}\n");
}
