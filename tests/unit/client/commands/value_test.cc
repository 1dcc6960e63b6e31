#include "client/commands/value.h"

#include <catch2/catch.hpp>

using namespace cobble::client;

TEST_CASE("JSON is one line, with <, > and & escaped where asked") {
  const Value value = Value::Fields{{"b", "<&>"}, {"a", Value::List{std::int64_t{1}, true, Value()}}};
  CHECK(to_json(value) == R"({"b":"\u003c\u0026\u003e","a":[1,true,null]})");
  CHECK(to_json(value, false) == R"({"b":"<&>","a":[1,true,null]})");
}

TEST_CASE("maps are sorted by bytes in JSON and by numbers in YAML") {
  const Value value = Value::Fields{{"m", Value::Map{{{"k10", "x"}, {"k2", "y"}}}}};
  CHECK(to_json(value) == R"({"m":{"k10":"x","k2":"y"}})");
  CHECK(to_yaml(value) == "m:\n    k2: \"y\"\n    k10: x\n");
}

TEST_CASE("YAML nests by fours, also in lists") {
  const Value item = Value::Fields{{"id", "1"}, {"log", Names{"a", "b\nc"}}, {"err", "two\nlines"}, {"none", Value::List()}};
  CHECK(to_yaml(Value::Fields{{"items", Value::List{item}}}) ==
        "items:\n"
        "    - id: \"1\"\n"
        "      log:\n"
        "        - a\n"
        "        - |-\n"
        "          b\n"
        "          c\n"
        "      err: |-\n"
        "        two\n"
        "        lines\n"
        "      none: []\n");
}

TEST_CASE("times are strings in JSON and plain in YAML") {
  const Value value = Value::Fields{{"t", Time{0, 500'000'000, 0}}};
  CHECK(to_json(value) == R"({"t":"1970-01-01T00:00:00.5Z"})");
  CHECK(to_yaml(value) == "t: 1970-01-01T00:00:00.5Z\n");
}

TEST_CASE("fields that are empty are left out") {
  CheckInfo check;
  check.name = "c";
  check.status = "up";
  CHECK(to_json(to_value(check)) == R"({"name":"c","startup":"","status":"up","failures":0,"threshold":0})");
  Notice notice;
  notice.id = "7";
  CHECK(to_json(to_value(notice)).find("\"user-id\":null") != std::string::npos);
  CHECK(to_json(to_value(notice)).find("repeat-after") == std::string::npos);
}
