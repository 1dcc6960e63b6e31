#include "daemon/api/services_listing.h"

#include <catch2/catch.hpp>

using namespace cobble;
using cobble::api::ServicesListing;
using services::ServiceInfo;

TEST_CASE("a listing tells whatever has changed since the last one") {
  ServicesListing listing;
  std::vector<ServiceInfo> infos(2);
  infos[0].name = "a";
  infos[1].name = "b";
  CHECK(listing.of({}) == "[]");
  CHECK(listing.of(infos) == R"([{"name":"a","startup":"disabled","current":"inactive"},)"
                             R"({"name":"b","startup":"disabled","current":"inactive"}])");
  const auto moment = base::WallTime(std::chrono::seconds(1));
  const std::vector<void (*)(ServiceInfo&)> steps = {
      [](ServiceInfo& it) { it.enabled = true; },
      [](ServiceInfo& it) { it.current = services::Current::active; },
      [](ServiceInfo& it) { it.known = true; },
      [](ServiceInfo& it) { it.pid = 7; },
      [](ServiceInfo& it) { it.last_exit_code = 0; },
      [](ServiceInfo& it) { it.restarts = 3; },
      [](ServiceInfo& it) { it.last_error = "no such file"; },
      [](ServiceInfo& it) { it.has_log = true; },
      [](ServiceInfo& it) { it.log_lines_overwritten = 1; },
      [](ServiceInfo& it) { it.log_entries_lost = 2; },
  };
  std::string before = listing.of(infos);
  const auto check_change = [&] {
    const std::string now = listing.of(infos);
    CHECK(now != before);
    CHECK(now == api::services_json(infos));
    CHECK(listing.of(infos) == now);
    before = now;
  };
  for (const auto step : steps) {
    step(infos[1]);
    check_change();
  }
  infos[1].current_since = moment;
  check_change();
  infos[1].next_restart = moment;
  check_change();
  infos.pop_back();
  check_change();
}

TEST_CASE("a long listing is told, too") {
  ServicesListing listing;
  std::vector<ServiceInfo> infos(5000);
  CHECK(listing.of(infos) == api::services_json(infos));
  infos.back().restarts = 1;
  infos.back().known = true;
  CHECK(listing.of(infos).ends_with(R"("details":{"restarts":1}}])"));
}
