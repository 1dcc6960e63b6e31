#include "client/commands/parser.h"

#include <catch2/catch.hpp>

#include "client/commands/table_of_commands.h"

using namespace cobble::client;

namespace {

Result<Parsed> parse(const char* command, const Names& words) {
  return parse_words(*find_command(command), words);
}

std::string fault(const char* command, const Names& words) {
  const auto parsed = parse(command, words);
  return parsed ? "parsed" : parsed.error().message;
}

}  // namespace

TEST_CASE("options stand before, between and after words") {
  const auto parsed = parse("services", {"a", "--format=json", "b", "--abs-time", "--", "--format=yaml"});
  REQUIRE(parsed);
  CHECK(parsed->arguments.text("format") == "json");
  CHECK(parsed->arguments.given("abs-time"));
  CHECK(parsed->arguments.positionals() == Names{"a", "b", "--format=yaml"});
}

TEST_CASE("an option that was not given has its default") {
  const auto parsed = parse("services", {});
  REQUIRE(parsed);
  CHECK(parsed->arguments.text("format") == "text");
  CHECK_FALSE(parsed->arguments.given("format"));
}

TEST_CASE("short options are bundled, the first may have its value glued on, the last takes the next word") {
  CHECK(parse("logs", {"-n5"})->arguments.text("n") == "5");
  CHECK(parse("logs", {"-n=7"})->arguments.text("n") == "7");
  const auto bundle = parse("logs", {"-fn", "8"});
  REQUIRE(bundle);
  CHECK(bundle->arguments.given("follow"));
  CHECK(bundle->arguments.text("n") == "8");
  CHECK(fault("logs", {"-fn3"}) == "expected argument for flag `-n'");
  CHECK(fault("logs", {"-fn=9"}) == "expected argument for flag `-n'");
}

TEST_CASE("the last value of a scalar counts, those of a list add up") {
  const auto parsed = parse("exec", {"-w", "/a", "-w/b", "--env", "A=1", "--env=B", "x"});
  REQUIRE(parsed);
  CHECK(parsed->arguments.text("w") == "/b");
  CHECK(parsed->arguments.texts("env") == Names{"A=1", "B"});
}

TEST_CASE("after the first word of exec everything is a word") {
  const auto parsed = parse("exec", {"-w", "/", "echo", "--env", "X", "--", "-w"});
  REQUIRE(parsed);
  CHECK(parsed->arguments.positionals() == Names{"echo", "--env", "X", "--", "-w"});
  CHECK(parsed->arguments.texts("env").empty());
}

TEST_CASE("signed values may begin with a dash and a digit") {
  CHECK(parse("exec", {"--uid", "-1", "--timeout", "-5s", "x"})->arguments.integer("uid") == -1);
  CHECK(fault("notices", {"--uid", "-1"}) == "expected argument for flag `--uid', but got option `-1'");
  CHECK(fault("notices", {"--timeout", "-s"}) == "expected argument for flag `--timeout', but got option `-s'");
}

TEST_CASE("words up to a semicolon belong to --args") {
  const auto parsed = parse("run", {"--args", "web", "--hold", "-x", ";", "--hold", "--args", "db"});
  REQUIRE(parsed);
  CHECK(parsed->arguments.words("args") == std::vector<Names>{{"web", "--hold", "-x"}, {"db"}});
  CHECK(parsed->arguments.given("hold"));
}

TEST_CASE("a value in double quotes is unquoted") {
  CHECK(parse("notices", {"--key", "\"a\\tb\\u00e9\""})->arguments.texts("key") == Names{"a\tbé"});
  CHECK(fault("notices", {"--key", "\"open"}) == "invalid argument for flag `--key' (expected []string): invalid syntax");
}

TEST_CASE("help and version act where they stand") {
  CHECK(parse("services", {"x", "--help", "--nope"})->act == Parsed::Act::show_help);
  CHECK(parse("services", {"-hx"})->act == Parsed::Act::show_help);
  CHECK(parse("plan", {"x", "--version"})->act == Parsed::Act::show_version);
  CHECK(fault("services", {"-xh"}) == "unknown flag `x'");
}

TEST_CASE("the first fault has its text") {
  const std::vector<std::tuple<const char*, Names, const char*>> cases = {
      {"services", {"--form=json"}, "unknown flag `form'"},
      {"services", {"--abs-time=1"}, "bool flag `--abs-time' cannot have an argument"},
      {"logs", {"-f=1"}, "bool flag `-f, --follow' cannot have an argument"},
      {"services", {"--format", "--", "x"}, "expected argument for flag `--format', but got double dash `--'"},
      {"services", {"--format=xml"}, "Invalid value `xml' for option `--format'. Allowed values are: text, json or yaml"},
      {"health", {"--level="}, "Invalid value `' for option `--level'. Allowed values are: alive or ready"},
      {"exec",
       {"--uid", "x", "y"},
       "invalid argument for flag `--uid' (expected *int): strconv.ParseInt: parsing \"x\": invalid syntax"},
      {"exec",
       {"--uid=9223372036854775808", "y"},
       "invalid argument for flag `--uid' (expected *int): strconv.ParseInt: parsing \"9223372036854775808\": value out of "
       "range"},
      {"notices",
       {"--uid=-1"},
       "invalid argument for flag `--uid' (expected *uint32): strconv.ParseUint: parsing \"-1\": invalid syntax"},
      {"notices",
       {"--timeout=5"},
       "invalid argument for flag `--timeout' (expected time.Duration): time: missing unit in duration \"5\""},
      {"run", {"--args=x"}, "terminated option's flag `--args' cannot use `='"},
      {"add-identities", {"x"}, "the required flag `--from' was not specified"},
      {"add", {}, "the required arguments `<label>` and `<layer-path>` were not provided"},
      {"add", {"x"}, "the required argument `<layer-path>` was not provided"},
      {"start", {}, "the required argument `<service> (at least 1 argument)` was not provided"},
      {"plan", {"x"}, "too many arguments for command"},
      {"replan", {"a", "b"}, "too many arguments for command"},
  };
  for (const auto& [command, words, text] : cases) CHECK(fault(command, words) == text);
}

TEST_CASE("some commands ignore superfluous words") {
  CHECK(parse("replan", {"a"}));
  CHECK(parse("autostart", {"a"}));
  CHECK(parse("tasks", {"1", "2", "3"}));
  CHECK(parse("debug", {"a", "b"}));
}

TEST_CASE("one dash or three make a word") {
  CHECK_FALSE(looks_like_option("-"));
  CHECK_FALSE(looks_like_option("---x"));
  CHECK_FALSE(looks_like_option("--"));
  CHECK(looks_like_option("-x"));
  CHECK(looks_like_option("--x"));
}
