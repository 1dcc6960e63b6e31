#include "daemon/access/identities.h"

#include <catch2/catch.hpp>

using namespace cobble::access;

namespace {

const std::string level_choice = "\"admin\", \"read\", \"metrics\", or \"untrusted\"";

Identity local(Level level, std::uint32_t user_id) {
  Identity identity;
  identity.level = level;
  identity.user_id = user_id;
  return identity;
}

/// The outcome of a whole request on `current`: the error, or the new identities.
std::expected<Identities, std::string> post(const Identities& current, std::string_view body) {
  const auto request = parse_identity_request(body);
  if (!request) return std::unexpected(request.error());
  const auto action = check_action(*request);
  if (!action) return std::unexpected(action.error());
  return apply_action(current, *action, request->identities);
}

std::string error_of(std::string_view body, const Identities& current = {{"bob", local(Level::admin, 42)}}) {
  const auto result = post(current, body);
  return result ? "none" : result.error();
}

std::string reason_of(std::string_view identity) {
  const std::string text = error_of(R"({"action": "add", "identities": {"x": )" + std::string(identity) + "}}");
  const std::string prefix = "invalid identity for \"x\": ";
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

}  // namespace

TEST_CASE("what is wrong with one identity is said in a fixed order") {
  CHECK(reason_of("{}") == "access value must be specified (" + level_choice + ")");
  CHECK(reason_of(R"({"access": "foo", "basic": {}})") == "invalid access value \"foo\", must be " + level_choice);
  CHECK(reason_of(R"({"local": {}, "cert": {}})") == "local identity must specify user-id");
  CHECK(reason_of(R"({"local": {"user-id": null}})") == "local identity must specify user-id");
  CHECK(reason_of(R"({"cert": {}, "basic": {}})") == "cert identity must include a PEM-encoded certificate");
  CHECK(reason_of(R"({"access": "read", "basic": {"password": ""}})") == "basic identity must specify password (hashed)");
  CHECK(reason_of(R"({"access": "read", "local": null, "basic": null, "cert": null})") ==
        "identity must have at least one type (\"local\", \"basic\", or \"cert\")");
}

TEST_CASE("names begin with a letter") {
  for (const char* name : {"b", "B-_9", "z--"}) CHECK(valid_name(name));
  for (const char* name : {"", "1bob", "_b", "-b", "b.c", "b c", "b\n", "b\xC3\xB3"}) CHECK_FALSE(valid_name(name));
  CHECK(error_of(R"({"action": "add", "identities": {"1b": {"access": "read", "local": {"user-id": 1}}}})")
            .starts_with("invalid identity for \"1b\": identity name "));
  CHECK(error_of(R"({"action": "replace", "identities": {"9": null}})") == "none");
}

TEST_CASE("user IDs are 32-bit numbers") {
  for (const char* number : {"-1", "4294967296", "1.5", "\"42\"", "true", "[]"}) {
    CAPTURE(number);
    CHECK(reason_of(R"({"access": "read", "local": {"user-id": )" + std::string(number) + "}}")
              .starts_with("cannot decode request body: json: cannot unmarshal "));
  }
  for (const char* number : {"0", "4294967295"})
    CHECK(reason_of(R"({"access": "read", "local": {"user-id": )" + std::string(number) + "}}") == "none");
}

TEST_CASE("a request that cannot be decoded says why") {
  for (const char* body : {"", "x", "[]", "\"x\"", R"({"action": 1})", R"({"identities": []})", R"({"identities": {"a": 5}})",
                           R"({"identities": {"a": {"access": 1}}})", R"({"identities": {"a": {"basic": 1}}})",
                           R"({"identities": {"a": {"cert": {"pem": {}}}}})", R"({"identities": {"a": {"local": []}}})"}) {
    CAPTURE(body);
    CHECK(error_of(body).starts_with("cannot decode request body: "));
  }
  CHECK(error_of("") == "cannot decode request body: EOF");
  CHECK(error_of(R"({"ACTION": "add", "Identities": {"a": {"Access": "read", "LOCAL": {"User-ID": 1}}}} and more)") == "none");
}

TEST_CASE("identities are looked at before the action, and the action before its nulls") {
  CHECK(error_of(R"({"action": "foobar", "identities": {"x": {"access": "admin"}}})").starts_with("invalid identity for \"x\""));
  CHECK(error_of("{}") == "invalid action \"\", must be \"add\", \"update\", \"replace\", or \"remove\"");
  CHECK(error_of(R"({"action": "add", "identities": {"bob": null}})") ==
        "identity value for \"bob\" must not be null for add operation");
  CHECK(error_of(R"({"action": "update", "identities": {"zed": null}})") ==
        "identity value for \"zed\" must not be null for update operation");
  CHECK(error_of(R"({"action": "remove", "identities": {"bob": {"access": "read", "local": {"user-id": 7}}}})") ==
        "identity value for \"bob\" must be null for remove operation");
  for (const char* action : {"add", "update", "replace", "remove"}) {
    for (const char* rest : {"", R"(, "identities": null)", R"(, "identities": {})"})
      CHECK(error_of(R"({"action": ")" + std::string(action) + "\"" + rest + "}") == "none");
  }
}

TEST_CASE("names must be new to be added, and known to be updated or removed") {
  const Identities current{{"bob", local(Level::admin, 42)}, {"mary", local(Level::read, 43)}};
  const std::string value = R"({"access": "read", "local": {"user-id": 7}})";
  CHECK(error_of(R"({"action": "add", "identities": {"mary": )" + value + R"(, "al": )" + value + R"(, "bob": )" + value + "}}",
                 current) == "identities already exist: bob, mary");
  CHECK(error_of(R"({"action": "update", "identities": {"zed": )" + value + R"(, "abe": )" + value + "}}", current) ==
        "identities do not exist: abe, zed");
  CHECK(error_of(R"({"action": "remove", "identities": {"zed": null, "abe": null, "bob": null}})", current) ==
        "identities do not exist: abe, zed");
}

TEST_CASE("a record is replaced as a whole, and null removes") {
  Identity both = local(Level::admin, 42);
  both.password = "x";
  const auto updated =
      post({{"bob", both}}, R"({"action": "update", "identities": {"bob": {"access": "read", "basic": {"password": "y"}}}})");
  REQUIRE(updated);
  CHECK_FALSE(updated->at("bob").user_id);
  CHECK(updated->at("bob").password == "y");
  const auto replaced = post({{"bob", both}}, R"({"action": "replace", "identities": {"bob": null, "nobody": null}})");
  REQUIRE(replaced);
  CHECK(replaced->empty());
}

TEST_CASE("one user ID belongs to one identity") {
  const Identities current{{"a", local(Level::admin, 1)}, {"b", local(Level::read, 2)}};
  CHECK(error_of(R"({"action": "add", "identities": {"x": {"access": "read", "local": {"user-id": 2}}}})", current) ==
        "cannot have multiple identities with user ID 2 (b, x)");
  const auto swapped = post(current, R"({"action": "update", "identities": {"a": {"access": "read", "local": {"user-id": 2}},
                                        "b": {"access": "read", "local": {"user-id": 1}}}})");
  REQUIRE(swapped);
  CHECK(swapped->at("a").user_id == 2U);
}

TEST_CASE("what is stored is read again as the same; what is shown has no secrets") {
  Identity secret = local(Level::metrics, 44);
  secret.password = "$6$<&>\"";
  const Identities identities{{"al", secret}, {"bob", local(Level::admin, 0)}};
  CHECK(parse_stored(stored_json(identities)) == identities);
  CHECK(
      shown_json(identities) ==
      R"({"al":{"access":"metrics","local":{"user-id":44},"basic":{"password":"*****"}},"bob":{"access":"admin","local":{"user-id":0}}})");
  CHECK(shown_json({}) == "{}");
  CHECK(parse_stored("null") == Identities());
}

TEST_CASE("a stored identity that cannot be read is an error") {
  CHECK(parse_stored(R"({"c": {"access": "read", "cert": {"pem": "x"}}})").error() ==
        "cert identity must include a PEM-encoded certificate");
  CHECK_FALSE(parse_stored("[]"));
  CHECK_FALSE(parse_stored("{\"a\": null}"));
  CHECK_FALSE(parse_stored("{"));
}
