#include "layers/command.h"

#include <catch2/catch.hpp>

using namespace cobble::layers;
using Words = std::vector<std::string>;

TEST_CASE("commands are split without a shell") {
  const std::pair<const char*, Words> table[] = {
      {"a b  c", {"a", "b", "c"}},
      {"a 'b c' \"d e\"", {"a", "b c", "d e"}},
      {"a\"b c\"d", {"ab cd"}},
      {R"(x "a\nb" "\$x" a\ b)", {"x", "anb", "$x", "a b"}},
      {"a # comment\nb c#d", {"a", "b", "c#d"}},
      {"a \"\" ''", {"a", "", ""}},
      {"$A * ~ ; |", {"$A", "*", "~", ";", "|"}},
      {"a\\\nb", {"a\nb"}},
      {"a\tb\r\nc", {"a", "b", "c"}},
      {"a\xC2\xA0"
       "b\vc",
       {"a\xC2\xA0"
        "b\vc"}},
      {"   # nothing", {}},
  };
  for (const auto& [text, wanted] : table) {
    INFO(text);
    CHECK(split_command(text) == wanted);
  }
  CHECK(split_command("'a").error() == "EOF found when expecting closing quote");
  CHECK(split_command("\"a").error() == "EOF found when expecting closing quote");
  CHECK(split_command("a\\").error() == "EOF found after escape character");
  CHECK(split_command("\"a\\").error() == "EOF found after escape character");
}

TEST_CASE("default arguments stand in a group at the end") {
  const auto command = parse_service_command("cmd x [ a 'b c' ]");
  REQUIRE(command);
  CHECK(command->fixed == Words{"cmd", "x"});
  CHECK(command->defaults == Words{"a", "b c"});
  CHECK(command->words() == Words{"cmd", "x", "a", "b c"});
  CHECK(parse_service_command("cmd [ a")->defaults == Words{"a"});
  CHECK(parse_service_command("cmd '[' a ']'")->defaults == Words{"a"});
  CHECK(parse_service_command("cmd [] [a] x[")->fixed.size() == 4);
  CHECK(parse_service_command("[ a ]").error() == "cannot start command with [ ... ] group");
  CHECK(parse_service_command("a [ [ b ] ]").error() == "cannot nest [ ... ] groups");
  CHECK(parse_service_command("a [ b ] c").error() == "cannot have any arguments after [ ... ] group");
  CHECK(parse_service_command("a [ b ] ]").error() == "cannot have any arguments after [ ... ] group");
  CHECK(parse_service_command("a ]").error() == "cannot have ] outside of [ ... ] group");
  CHECK(parse_service_command("  ")->words().empty());
}

TEST_CASE("arguments are put in with as few quotes as possible") {
  const auto command = parse_service_command("q \"a b\" '' # comment");
  const Words arguments{"it's", "", "$x", "-", "a#b", "\xC3\xA9", "#"};
  CHECK(command_with_arguments(*command, arguments) == "q 'a b' '' [ 'it'\"'\"'s' '' '$x' - 'a#b' '\xC3\xA9' '#' ]");
  CHECK(command_with_arguments(*parse_service_command("x [ d1 d2 ]"), {}) == "x");
  CHECK(split_command(join_command(arguments)) == arguments);
}
