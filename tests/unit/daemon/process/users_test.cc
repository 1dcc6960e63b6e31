#include "daemon/process/users.h"

#include <catch2/catch.hpp>

using namespace cobble::process;

TEST_CASE("users and groups come from the files") {
  const auto root = find_user("root");
  REQUIRE(root);
  CHECK(root->uid == 0);
  CHECK(root->home == "/root");
  CHECK(find_user(uid_t{0})->name == "root");
  CHECK(find_group("root") == gid_t{0});
  CHECK(find_group_name(0) == "root");
  CHECK_FALSE(find_user("no-such-user"));
  CHECK_FALSE(find_user(uid_t{4'000'000'000}));
}

TEST_CASE("credentials are resolved, or named as the reference names them") {
  const auto error = [](std::string_view user, std::optional<std::int64_t> uid, std::string_view group,
                        std::optional<std::int64_t> gid) {
    const auto result = resolve_credentials(user, uid, group, gid);
    return result ? std::string("(good)") : result.error();
  };
  CHECK(error("", std::nullopt, "", std::nullopt) == "(good)");
  CHECK(error("root", 0, "root", 0) == "(good)");
  CHECK(error("", 54321, "", 54321) == "(good)");
  CHECK(error("nosuch", std::nullopt, "", std::nullopt) == "user: unknown user nosuch");
  CHECK(error("root", std::nullopt, "nosuch", std::nullopt) == "group: unknown group nosuch");
  CHECK(error("", 54321, "", std::nullopt) == "user: unknown userid 54321");
  CHECK(error("", -1, "", 5) == "user: unknown userid -1");
  CHECK(error("", std::nullopt, "root", std::nullopt) == "must specify user, not just group");
  CHECK(error("", std::nullopt, "", 5) == "must specify user, not just group");
  CHECK(error("root", 4, "", std::nullopt) == "user \"root\" UID (0) does not match user-id (4)");
  CHECK(error("root", std::nullopt, "root", 4) == "group \"root\" GID (0) does not match group-id (4)");
  CHECK(resolve_credentials("root", std::nullopt, "", std::nullopt)->gid == gid_t{0});
}
