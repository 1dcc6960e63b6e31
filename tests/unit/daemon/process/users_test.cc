#include "daemon/process/users.h"

#include <unistd.h>

#include <catch2/catch.hpp>

namespace cobble::process {
namespace {

TEST_CASE("users and groups are found by name and number") {
  REQUIRE(find_user("root"));
  CHECK(find_user("root")->home == "/root");
  CHECK(find_user_name(0) == "root");
  CHECK(find_group("root") == 0);
  CHECK(find_group_name(0) == "root");
  CHECK_FALSE(find_user("nosuch"));
  CHECK_FALSE(find_user(uid_t{4242424}));
  CHECK_FALSE(find_group(""));
}

TEST_CASE("credentials as plans ask for them") {
  CHECK_FALSE(resolve_credentials("", {}, "", {})->uid);
  const auto root = resolve_credentials("root", {}, "", {});
  REQUIRE(root);
  CHECK(root->uid == 0);
  CHECK(root->gid == 0);
  CHECK(root->same_as_daemon == (::geteuid() == 0 && ::getegid() == 0));
  CHECK(root->user->name == "root");
  const auto numbers = resolve_credentials("", 4242424, "", 77);
  REQUIRE(numbers);
  CHECK(numbers->uid == 4242424);
  CHECK(numbers->gid == 77);
  CHECK_FALSE(numbers->same_as_daemon);
  CHECK_FALSE(numbers->user);
}

TEST_CASE("credentials that can't be had") {
  CHECK(resolve_credentials("nosuch", {}, "", {}).error() == "user: unknown user nosuch");
  CHECK(resolve_credentials("", 4242424, "", {}).error() == "user: unknown userid 4242424");
  CHECK(resolve_credentials("root", 5, "", {}).error() == "user \"root\" UID (0) does not match user-id (5)");
  CHECK(resolve_credentials("root", {}, "nosuch", {}).error() == "group: unknown group nosuch");
  CHECK(resolve_credentials("root", {}, "root", 77).error() == "group \"root\" GID (0) does not match group-id (77)");
  CHECK(resolve_credentials("", {}, "root", {}).error() == "must specify user, not just group");
}

}  // namespace
}  // namespace cobble::process
