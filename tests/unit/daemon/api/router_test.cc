#include "daemon/api/router.h"

#include <catch2/catch.hpp>

#include "daemon/api/text.h"

using namespace cobble::api;

namespace {

constexpr Route routes[] = {
    {"GET", "/v1/changes", Access::user, 0, nullptr},
    {"GET", "/v1/changes/{id}", Access::user, 0, nullptr},
    {"POST", "/v1/changes/{id}", Access::admin, 0, nullptr},
    {"GET", "/v1/changes/{id}/wait", Access::user, 0, nullptr},
    {"GET", "/v1/tasks/{task}/websocket/{id}", Access::admin, 0, nullptr},
};

}  // namespace

TEST_CASE("routes are found by method and path") {
  std::vector<std::string> params;
  CHECK(find_route(routes, "GET", "/v1/changes", params).route == &routes[0]);
  CHECK(find_route(routes, "POST", "/v1/changes/7", params).route == &routes[2]);
  CHECK(params == std::vector<std::string>{"7"});
  CHECK(find_route(routes, "GET", "/v1/changes/7/wait", params).route == &routes[3]);
  CHECK(find_route(routes, "GET", "/v1/tasks/1/websocket/stdio", params).route == &routes[4]);
  CHECK(params == std::vector<std::string>{"1", "stdio"});
}

TEST_CASE("an unknown path differs from an unknown method") {
  std::vector<std::string> params;
  const Match other_method = find_route(routes, "DELETE", "/v1/changes/7", params);
  CHECK(other_method.route == nullptr);
  CHECK(other_method.path_known);
  for (const char* path : {"/v1/changes/", "/v1/changes/7/", "/v1/changes/7/wait/", "/v1", "/", "", "/v1/nope", "/V1/changes"}) {
    INFO(path);
    const Match match = find_route(routes, "GET", path, params);
    CHECK(match.route == nullptr);
    CHECK_FALSE(match.path_known);
  }
}

TEST_CASE("paths are cleaned") {
  const std::pair<const char*, const char*> table[] = {
      {"/v1/changes", "/v1/changes"},
      {"/v1/changes/", "/v1/changes/"},
      {"//v1/changes", "/v1/changes"},
      {"/v1/./changes", "/v1/changes"},
      {"/v1/x/../changes", "/v1/changes"},
      {"/v1/..", "/"},
      {"/../..", "/"},
      {"/v1/.", "/v1"},
      {"/v1/a..b", "/v1/a..b"},
  };
  for (const auto& [path, wanted] : table) CHECK(clean_path(path) == wanted);
}

TEST_CASE("query parameters are decoded as form data") {
  const Query query("a=1&b=x+y%2B&a=2&bad=%zz&semi=1;2&empty=&names=a,%20b%20,,c&names=d");
  CHECK(query.get("a") == "1");
  CHECK(query.get("b") == "x y+");
  CHECK_FALSE(query.has("bad"));
  CHECK_FALSE(query.has("semi"));
  CHECK(query.has("empty"));
  CHECK(query.list("names") == std::vector<std::string>{"a", "b", "c", "d"});
  CHECK(query.all("a").size() == 2);
}
