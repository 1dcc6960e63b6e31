#include "layers/order.h"

#include <catch2/catch.hpp>

using namespace cobble::layers;

namespace {

struct Links {
  const char* name;
  std::vector<std::string> after;
  std::vector<std::string> before;
  std::vector<std::string> required;
};

Plan plan_of(const std::vector<Links>& services) {
  Plan plan;
  for (const Links& links : services) {
    Service& service = plan.services[links.name];
    service.name = links.name;
    service.after = links.after;
    service.before = links.before;
    service.requires_services = links.required;
  }
  return plan;
}

std::string show(const std::expected<Lanes, std::string>& lanes) {
  if (!lanes) return lanes.error();
  std::string out;
  for (const auto& lane : *lanes) {
    for (const std::string& name : lane) out += name + " ";
    out += "| ";
  }
  return out;
}

std::string start(const Plan& plan, std::vector<std::string> names) {
  return show(start_lanes(plan, names));
}
std::string stop(const Plan& plan, std::vector<std::string> names) {
  return show(stop_lanes(plan, names));
}

}  // namespace

TEST_CASE("the contract's example") {
  const Plan plan = plan_of({{"srv1", {"srv2"}, {"srv3"}, {"srv2", "srv3"}}, {"srv2", {}, {"srv3"}, {}}, {"srv3", {}, {}, {}}});
  CHECK(start(plan, {"srv1"}) == "srv2 srv1 srv3 | ");
  CHECK(stop(plan, {"srv1"}) == "srv1 | ");
  CHECK(stop(plan, {"srv2"}) == "srv1 srv2 | ");
  CHECK(stop(plan, {"srv3"}) == "srv3 srv1 | ");
  CHECK(start(plan, {"srv3", "nope"}) == "service \"nope\" does not exist");
}

TEST_CASE("requires makes a lane, order alone doesn't") {
  CHECK(start(plan_of({{"a", {}, {}, {"b"}}, {"b", {}, {}, {}}}), {"a"}) == "a b | ");
  CHECK(start(plan_of({{"a", {"b"}, {}, {}}, {"b", {}, {}, {}}}), {"a", "b"}) == "b | a | ");
  CHECK(start(plan_of({{"a", {"b"}, {}, {"b"}}, {"b", {}, {}, {}}}), {"a"}) == "b a | ");
  const Plan mutual = plan_of({{"a", {}, {}, {"b"}}, {"b", {}, {}, {"a"}}});
  CHECK(start(mutual, {"b"}) == "a b | ");
  CHECK(stop(mutual, {"b"}) == "a b | ");
}

TEST_CASE("unrelated services never share a lane") {
  const Plan plan = plan_of({{"a", {}, {}, {}}, {"b", {}, {}, {}}, {"c", {}, {}, {"a"}}, {"d", {}, {}, {}}});
  CHECK(start(plan, {"a", "b", "c", "d"}) == "a c | b | d | ");
}

TEST_CASE("what is linked stays in one lane, in order") {
  const Plan plan = plan_of({{"a", {}, {}, {}}, {"b", {"e"}, {}, {"e"}}, {"e", {}, {}, {}}, {"x", {"a", "b"}, {}, {"a", "b"}}});
  CHECK(start(plan, {"x"}) == "a e b x | ");
}

TEST_CASE("the same name twice is once") {
  CHECK(start(plan_of({{"a", {}, {}, {}}}), {"a", "a"}) == "a | ");
}

TEST_CASE("restart stops only what was named") {
  const Plan plan = plan_of({{"db", {}, {}, {}}, {"web", {"db"}, {}, {"db"}}});
  const std::vector<std::string> names{"db"};
  CHECK(show(stop_lanes_of_only(plan, names)) == "db | ");
  const Plan chain = plan_of({{"cache", {}, {}, {}}, {"web", {"cache"}, {}, {"cache"}}, {"worker", {"web"}, {}, {"web"}}});
  const std::vector<std::string> ends{"worker", "cache"};
  CHECK(show(stop_lanes_of_only(chain, ends)) == "worker cache | ");
}

TEST_CASE("loops are found, the first by name") {
  CHECK_FALSE(find_order_loop(plan_of({{"a", {"a"}, {"a"}, {"a"}}, {"b", {"a"}, {}, {}}})));
  CHECK(find_order_loop(plan_of({{"a", {"b"}, {}, {}}, {"b", {"a"}, {}, {}}})) == std::vector<std::string>{"a", "b"});
  CHECK(find_order_loop(plan_of({{"a", {"b"}, {"b"}, {}}, {"b", {}, {}, {}}})) == std::vector<std::string>{"a", "b"});
  CHECK(find_order_loop(plan_of(
            {{"a", {"z"}, {}, {}}, {"b", {"c"}, {}, {}}, {"c", {"b"}, {}, {}}, {"y", {"z"}, {}, {}}, {"z", {"y"}, {}, {}}})) ==
        std::vector<std::string>{"b", "c"});
}

TEST_CASE("chains of thousands cost no stack") {
  Plan plan;
  constexpr int count = 20'000;
  for (int i = 0; i < count; ++i) {
    const std::string name = "s" + std::to_string(100'000 + i);
    Service& service = plan.services[name];
    service.name = name;
    if (i + 1 < count) {
      service.after = {"s" + std::to_string(100'000 + i + 1)};
      service.requires_services = service.after;
    }
  }
  const std::vector<std::string> names{"s100000"};
  const auto lanes = start_lanes(plan, names);
  REQUIRE(lanes);
  REQUIRE(lanes->size() == 1);
  CHECK(lanes->front().size() == count);
  CHECK(lanes->front().back() == "s100000");
  CHECK_FALSE(find_order_loop(plan));
  plan.services["s100000"].before = {"s119999"};
  CHECK(find_order_loop(plan)->size() == count);
}
