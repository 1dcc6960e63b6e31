#include "daemon/base/log.h"

#include <catch2/catch.hpp>

namespace cobble::base {
namespace {

TEST_CASE("Security events have their keys in order and whole seconds") {
  const WallTime time(std::chrono::milliseconds(1'795'419'363'823));
  CHECK(security_event(time, "WARN", "authz_admin:0,push_file", "Pushing file /a<&>\"") ==
        R"({"type":"security","datetime":"2026-11-23T07:36:03Z","level":"WARN","event":"authz_admin:0,push_file",)"
        R"("description":"Pushing file /a<&>\"","appid":"pebble"})");
  CHECK(security_event(time, "WARN", "authz_fail", "") ==
        R"({"type":"security","datetime":"2026-11-23T07:36:03Z","level":"WARN","event":"authz_fail","appid":"pebble"})");
}

}  // namespace
}  // namespace cobble::base
