#include "daemon/api/routes.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <sstream>

using namespace cobble::api;

namespace {

using Requirements = std::map<std::string, std::string>;  // of `METHOD PATH`

/// What the table of the contract asks for.
Requirements wanted() {
  Requirements all;
  std::ifstream lines(COBBLE_TEST_DATA "/access.txt");
  REQUIRE(lines);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string path;
    std::string get;
    std::string post;
    words >> path >> get >> post;
    if (!path.starts_with('/')) continue;
    if (get != "-") all["GET " + path] = get;
    if (post != "-") all["POST " + path] = post;
  }
  return all;
}

std::string word(Access access) {
  switch (access) {
    case Access::open:
      return "open";
    case Access::metrics:
      return "metrics";
    case Access::user:
      return "read";
    case Access::admin:
      return "admin";
    case Access::pairing:
      return "pairing";
  }
  return {};
}

}  // namespace

TEST_CASE("the routes are those of the contract, with its requirements") {
  Requirements found;
  for (const Route& route : routes()) found[std::string(route.method) + " " + std::string(route.path)] = word(route.access);
  CHECK(found == wanted());
}
