#include "daemon/base/json.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "daemon/base/json_writer.h"
#include "daemon/base/utf8.h"

using namespace cobble::base;

TEST_CASE("only the first JSON value counts, and it is repaired") {
  CHECK(dump_json(*parse_json(" {\"a\":1} trailing")) == R"({"a":1})");
  CHECK(dump_json(*parse_json("\"\xff\"")) == "\"\xEF\xBF\xBD\"");
  CHECK(dump_json(*parse_json(R"("\ud800x")")) == "\"\xEF\xBF\xBDx\"");
  CHECK(dump_json(*parse_json(R"("\ud83c\udf89\u003c\"\\\/\u0001")")) == "\"\xF0\x9F\x8E\x89\\u003c\\\"\\\\/\\u0001\"");
  CHECK(dump_json(*parse_json("[-0.5e3, true ,null,{}]")) == "[-500.0,true,null,{}]");
}

TEST_CASE("what is wrong with JSON is named as the reference names it") {
  const std::pair<std::string, const char*> table[] = {
      {"", "EOF"},
      {" \n", "EOF"},
      {R"({"action":"abort")", "unexpected EOF"},
      {"tru", "unexpected EOF"},
      {"garbage", "invalid character 'g' looking for beginning of value"},
      {"nope", "invalid character 'o' in literal null (expecting 'u')"},
      {"{'a':1}", "invalid character '\\'' looking for beginning of object key string"},
      {R"({"a":"b",})", "invalid character '}' looking for beginning of object key string"},
      {R"({"a" "b"})", "invalid character '\"' after object key"},
      {std::string("\0", 1), "invalid character '\\x00' looking for beginning of value"},
      {"[1 2]", "invalid character '2' after array element"},
      {"{\"a\":1 2}", "invalid character '2' after object key:value pair"},
      {"\"a\nb\"", "invalid character '\\n' in string literal"},
      {"-x", "invalid character 'x' in numeric literal"},
  };
  for (const auto& [text, wanted] : table) {
    INFO(text);
    const auto read = parse_json(text);
    REQUIRE_FALSE(read);
    CHECK(read.error() == wanted);
  }
}

TEST_CASE("deep JSON is refused, not followed") {
  CHECK(parse_json(std::string(10'001, '[')).error() == "invalid character '[' exceeded max depth");
  const std::string deep = std::string(10'000, '[') + std::string(10'000, ']');
  const auto read = parse_json(deep);
  REQUIRE(read);
  CHECK(dump_json(*read) == deep);
}

TEST_CASE("fields are found in any case; null leaves them alone") {
  const auto value =
      *parse_json(R"({"ACTION":"stop","Services":["a",null],"n":null,"flag":true,"map":{"b":"1","a":null},"count":7})");
  std::string action = "start";
  std::string n = "kept";
  std::vector<std::string> services;
  std::map<std::string, std::string> map;
  bool flag = false;
  std::int64_t count = 0;
  JsonFields fields(value);
  fields.read("action", action);
  fields.read("services", services);
  fields.read("n", n);
  fields.read("flag", flag);
  fields.read("map", map);
  fields.read("count", count);
  CHECK_FALSE(fields.error());
  CHECK(action == "stop");
  CHECK(n == "kept");
  CHECK(services == std::vector<std::string>{"a", ""});
  CHECK(flag);
  CHECK(map == std::map<std::string, std::string>{{"a", ""}, {"b", "1"}});
  CHECK(count == 7);
}

TEST_CASE("a wrong type is said once") {
  const auto value = *parse_json(R"({"action":1,"services":"a"})");
  std::string action;
  std::vector<std::string> services;
  JsonFields fields(value);
  fields.read("action", action);
  fields.read("services", services);
  CHECK(fields.error() == "json: cannot unmarshal number into Go struct field .action of type string");
  CHECK(JsonFields(*parse_json("[]")).error()->starts_with("json: cannot unmarshal array"));
  CHECK_FALSE(JsonFields(*parse_json("null")).error());
}

TEST_CASE("JSON strings are escaped as the reference does") {
  std::string out;
  append_json_string(out, "<>&\xe2\x80\xa8\xe2\x80\xa9\x7f\x01\"\\\n\xff\xc3\xa9");
  CHECK(out == "\"\\u003c\\u003e\\u0026\\u2028\\u2029\x7f\\u0001\\\"\\\\\\n\xEF\xBF\xBD\xc3\xa9\"");
}

TEST_CASE("what must be escaped is found wherever it stands in a long text") {
  const std::pair<std::string, std::string> escapes[] = {{"\"", "\\\""},      {"\\", "\\\\"},
                                                         {"\n", "\\n"},       {std::string(1, '\0'), "\\u0000"},
                                                         {"\x1f", "\\u001f"}, {"\xff", std::string(utf8_replacement)},
                                                         {"<", "\\u003c"},    {"&", "\\u0026"}};
  for (const auto& [bytes, escape] : escapes) {
    for (std::size_t before = 0; before < 20; ++before) {
      for (std::size_t after = 0; after < 20; ++after) {
        const std::string left(before, '!');
        const std::string right(after, '~');
        std::string out;
        append_json_string(out, left + bytes + bytes + right);
        CHECK(out == '"' + left + escape + escape + right + '"');
      }
    }
  }
  std::string out;
  append_json_string(out, "0123456789 <a> & <b> é 0123456789", Markup::keep);
  CHECK(out == "\"0123456789 <a> & <b> é 0123456789\"");
}

TEST_CASE("the writer sets commas by itself") {
  JsonWriter w;
  w.begin_object();
  w.field("a", 1);
  w.key("b");
  w.begin_array();
  w.value("x");
  w.value(true);
  w.begin_object();
  w.end_object();
  w.end_array();
  w.null_field("c");
  w.end_object();
  CHECK(w.text() == R"({"a":1,"b":["x",true,{}],"c":null})");
}
