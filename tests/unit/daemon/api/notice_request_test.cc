#include "daemon/api/notice_request.h"

#include <catch2/catch.hpp>

namespace cobble::api {
namespace {

access::RequestUser user(std::optional<std::uint32_t> uid, access::Level level = access::Level::admin) {
  access::RequestUser result;
  result.uid = uid;
  result.level = level;
  return result;
}

std::string refusal(std::string_view query, const access::RequestUser& who) {
  const auto parsed = parse_notice_query(Query(query), who);
  return parsed ? "" : std::to_string(parsed.error().status) + " " + parsed.error().message;
}

}  // namespace

TEST_CASE("keys of notices") {
  for (const char* key : {"a.b/c", "1.2/3", "a-b.c-d/e-f/g", "example.com/path", "a.b.c.d/e/f/g/h", "x0.y9/0z"}) {
    CAPTURE(key);
    CHECK(is_notice_key(key));
  }
  for (const char* key :
       {"",       "/",      "example.com", "example/x", "example.com/", "/x",      "Example.com/x", "example.com/X", "a--b.c/d",
        "-a.b/c", "a-.b/c", "a.b/c-",      "a.b/-c",    "a.b/c--d",     "a.b/c.d", "a.b//c",        "a.b/c/",        ".a.b/c",
        "a..b/c", "a.b./c", "a.b/c\n",     "a.b/c d",   "a.b/\xC3\xBC", "a_b.c/d", "a.b:1/c"}) {
    CAPTURE(key);
    CHECK_FALSE(is_notice_key(key));
  }
}

TEST_CASE("an added notice") {
  const auto notice = parse_added_notice(
      R"({"Action":"add","type":"custom","key":"a.b/c","repeat-after":"1.5h","data":{"k":"v","n":null},"id":3} rest)");
  REQUIRE(notice);
  CHECK(notice->key == "a.b/c");
  CHECK(notice->repeat_after == std::chrono::minutes(90));
  CHECK(notice->data == std::map<std::string, std::string>{{"k", "v"}, {"n", ""}});
}

TEST_CASE("what is wrong with an added notice, in the order of checking") {
  const std::string start = R"({"action":"add","type":"custom","key":)";
  const std::vector<std::pair<std::string, std::string>> rows{
      {"{", "cannot decode request body: unexpected EOF"},
      {R"({"action":1})",
       "cannot decode request body: json: cannot unmarshal number into Go struct field .action of type string"},
      {"{}", "invalid action \"\""},
      {R"({"action":"add","type":"warning"})", "invalid type \"warning\" (can only add \"custom\" notices)"},
      {start + R"("Y"})", "invalid key \"Y\" (must be in \"example.com/path\" format)"},
      {start + "\"a.b/" + std::string(253, 'c') + "\",\"repeat-after\":\"x\"}", "key must be 256 bytes or less"},
      {start + R"("a.b/c","repeat-after":"x"})", "invalid repeat-after: time: invalid duration \"x\""},
      {start + "\"a.b/c\",\"data\":{\"k\":1" + std::string(4091, ' ') + "}}", "total size of data must be 4096 bytes or less"},
      {start + R"("a.b/c","data":{"k":1}})",
       "cannot decode notice data: json: cannot unmarshal number into Go value of type string"},
  };
  for (const auto& [body, message] : rows) {
    CAPTURE(body);
    const auto notice = parse_added_notice(body);
    REQUIRE_FALSE(notice);
    CHECK(notice.error().status == 400);
    CHECK(notice.error().message == message);
  }
  CHECK(parse_added_notice(start + "\"a.b/" + std::string(252, 'c') + "\"}"));
  CHECK(parse_added_notice(start + "\"a.b/c\",\"data\":{\"k\":\"v\"" + std::string(4087, ' ') + "}}"));
}

TEST_CASE("the length of a member's text") {
  CHECK(member_length(R"({"data": {"a":"}"} , "b":2})", "data") == 9);
  CHECK(member_length(R"({"x":{"data":1},"DATA":"\"x"})", "data") == 5);
  CHECK(member_length(R"({"data":[1],"data":12 })", "data") == 2);
  CHECK(member_length(R"({"other":1})", "data") == 0);
  for (const char* text : {"", "{", "{}", "null", "[\"data\",1]", "{\"data", "{\"data\"", "{\"data\":", "{\"data\":\""}) {
    CAPTURE(text);
    CHECK(member_length(text, "data") <= 1);
  }
}

TEST_CASE("whose notices somebody sees") {
  const auto filter = [](std::string_view query, const access::RequestUser& who) {
    return parse_notice_query(Query(query), who)->filter;
  };
  CHECK(filter("", user(7)).user_id == 7U);
  CHECK(filter("user-id=%208,", user(7)).user_id == 8U);
  CHECK(filter("user-id=4294967295", user(7)).user_id == 4294967295U);
  CHECK_FALSE(filter("users=all", user(7)).user_id);

  const auto reader = user(7, access::Level::read);
  CHECK(refusal("", user(std::nullopt)) == "403 cannot determine UID of request, so cannot retrieve notices");
  CHECK(refusal("user-id=x&users=y", reader) == "403 only admins may use the \"user-id\" filter");
  CHECK(refusal("users=", reader) == "403 only admins may use the \"users\" filter");
  CHECK(refusal("user-id=", user(7)) == "400 invalid \"user-id\" filter: must only include one \"user-id\"");
  CHECK(refusal("user-id=1&user-id=2", user(7)) == "400 invalid \"user-id\" filter: must only include one \"user-id\"");
  CHECK(refusal("user-id=abc&users=x", user(7)) ==
        "400 invalid \"user-id\" filter: strconv.ParseInt: parsing \"abc\": invalid syntax");
  CHECK(refusal("user-id=-1", user(7)) == "400 invalid \"user-id\" filter: user ID is not a valid uint32: -1");
  CHECK(refusal("user-id=4294967296", user(7)) == "400 invalid \"user-id\" filter: user ID is not a valid uint32: 4294967296");
  CHECK(refusal("user-id=99999999999999999999", user(7)) ==
        "400 invalid \"user-id\" filter: strconv.ParseInt: parsing \"99999999999999999999\": value out of range");
  CHECK(refusal("users=all&user-id=1", user(7)) == "400 cannot use both \"users\" and \"user-id\" parameters");
  CHECK(refusal("users=All", user(7)) == "400 invalid \"users\" filter: must be \"all\"");
}

TEST_CASE("types, keys, after and timeout") {
  const auto query =
      parse_notice_query(Query("types=foo,custom&keys=a,%20b&after=2001-01-01T00:00:00%2B05:30&timeout=-1s"), user(7));
  REQUIRE(query);
  CHECK(query->filter.types == std::vector<std::string>{"custom"});
  CHECK(query->filter.keys == std::vector<std::string>{"a", "b"});
  CHECK(query->filter.after == base::parse_time("2000-12-31T18:30:00Z").value());
  CHECK(query->timeout == std::chrono::seconds(-1));
  CHECK(parse_notice_query(Query("types=Custom&after=x&timeout=x"), user(7))->nothing);
  CHECK(refusal("after=x&timeout=x", user(7)) ==
        "400 invalid \"after\" timestamp: parsing time \"x\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"x\" as \"2006\"");
  CHECK(refusal("timeout=bad", user(7)) == "400 invalid timeout: time: invalid duration \"bad\"");
}

}  // namespace cobble::api
