#include "layers/plan_store.h"

#include <catch2/catch.hpp>

#include "layers/emit.h"
#include "layers/parse.h"

using namespace cobble::layers;

namespace {

const NoAccounts accounts;

struct Store {
  PlanStore store{accounts};

  std::string add(const std::string& label, const std::string& text = "{}", bool combine = false, bool inner = false) {
    auto parsed = parse_layer(label, text, accounts);
    if (!parsed) return parsed.error();
    const auto done = store.add(std::move(parsed->layer), combine, inner);
    return done ? "" : done.error().message;
  }
  std::string labels() const {
    std::string out;
    for (const auto& layer : store.layers()) out += (out.empty() ? "" : ", ") + layer->label;
    return out;
  }
};

std::string sleeper(const std::string& name) {
  return "services: {" + name + ": {override: replace, command: sleep 1}}";
}

constexpr const char* inner_needed = "cannot insert sub-directory layer without 'inner' attribute set";

}  // namespace

TEST_CASE("an added layer goes behind the last of its stem") {
  Store store;
  for (const char* label : {"foo", "baz/aaa", "something", "baz/bbb", "else", "baz/ccc", "zzz/zzz", "final"})
    CHECK(store.add(label, "{}", false, true).empty());
  CHECK(store.labels() == "foo, baz/aaa, baz/bbb, baz/ccc, something, else, zzz/zzz, final");
  CHECK(store.add("foo/x") == inner_needed);
  CHECK(store.add("foo", "{}") == "layer \"foo\" already exists");
  CHECK(store.add("final/x").empty());
}

TEST_CASE("a failed add changes nothing") {
  Store store;
  CHECK(store.add("a", sleeper("a")).empty());
  CHECK(store.add("b", sleeper("b")).empty());
  const PlanPtr before = store.store.plan();
  CHECK(store.add("a/x", "services: {c: {override: replace}}", false, true) == "plan must define \"command\" for service \"c\"");
  CHECK(store.add("a", "services: {c: {override: replace}}", true) == "plan must define \"command\" for service \"c\"");
  CHECK(store.add("c", "services: {c: {command: x}}") == "layer \"c\" must define \"override\" for service \"c\"");
  CHECK(store.store.plan() == before);
  CHECK(store.labels() == "a, b");
  CHECK(store.add("a/x", sleeper("c"), false, true).empty());
  CHECK(store.labels() == "a, a/x, b");
}

TEST_CASE("combining keeps a layer's place and leaks no defaults") {
  Store store;
  CHECK(store.add("low", "checks: {c: {override: replace, threshold: 7, period: 60s, tcp: {port: 1}}}").empty());
  CHECK(store.add("x", "checks: {c: {override: merge, timeout: 20s}}").empty());
  CHECK(store.add("top", sleeper("t")).empty());
  CHECK(store.add("x", "checks: {c: {override: merge, level: alive}}", true).empty());
  CHECK(store.labels() == "low, x, top");
  CHECK(store.store.yaml().find("threshold: 7\n") != std::string::npos);
  CHECK(store.store.yaml().find("timeout: 20s\n") != std::string::npos);
  CHECK(store.store.yaml().find("override: replace\n        level: alive\n") != std::string::npos);
}

TEST_CASE("workloads can't change after the start") {
  Store store;
  auto parsed = parse_layer("base", "workloads: {w: {override: replace, environment: {A: b}}}", accounts);
  REQUIRE(parsed);
  REQUIRE(store.store.load({std::make_shared<const Layer>(std::move(parsed->layer))}));
  CHECK(store.add("same", "workloads: {w: {override: replace, environment: {A: b}}}").empty());
  CHECK(store.add("none", "workloads: {}").empty());
  CHECK(store.add("other", "workloads: {v: {override: replace}}") == "cannot change immutable section \"workloads\"");
}

TEST_CASE("arguments of the command line replace default arguments") {
  Store store;
  CHECK(
      store.add("base", "services: {a: {override: replace, command: 'x [ d1 d2 ]'}, b: {override: replace, command: sleep 1000}}")
          .empty());
  using Lists = std::vector<std::vector<std::string>>;
  CHECK(store.store.set_arguments(Lists{{}}).error() == "--args requires a service name");
  CHECK(store.store.set_arguments(Lists{{"a"}, {"a"}}).error() == "--args provided more than once for \"a\" service");
  CHECK(store.store.set_arguments(Lists{{"nope"}}).error() == "service \"nope\" not found in plan");
  REQUIRE(store.store.set_arguments(Lists{{"a", "n1", "n 2"}, {"b"}}));
  CHECK(store.store.plan()->services.at("a").command == "x [ n1 'n 2' ]");
  CHECK(store.store.plan()->services.at("b").command == "sleep 1000");
  CHECK(store.labels() == "base, pebble-service-args");
}

TEST_CASE("listeners hear of successful changes with both plans") {
  Store store;
  int calls = 0;
  store.store.on_change([&](const PlanPtr& before, const PlanPtr& now) {
    ++calls;
    CHECK(before->services.empty());
    CHECK(now->services.size() == 1);
  });
  CHECK(store.add("a", sleeper("a")).empty());
  CHECK_FALSE(store.add("a", sleeper("b")).empty());
  CHECK(calls == 1);
}

TEST_CASE("log targets select by the last word that fits") {
  LogTarget target;
  target.services = {"svc1", "svc2", "-all", "svc3", "svc1", "-svc3"};
  CHECK(target.selects("svc1"));
  CHECK_FALSE(target.selects("svc2"));
  CHECK_FALSE(target.selects("svc3"));
  target.services = {"all", "-svc2"};
  CHECK(target.selects("svc1"));
  CHECK_FALSE(target.selects("svc2"));
}

TEST_CASE("a log target's TLS files, headers and compression merge field by field and are shown when set") {
  Store store;
  CHECK(
      store
          .add(
              "low",
              "log-targets: {t: {override: replace, type: loki, location: x, headers: {A: a, B: b}, compression: gzip, "
              "tls: {ca-file: /ca, cert-file: /cert}}, plain: {override: replace, type: loki, location: x, tls: ~, headers: {}}}")
          .empty());
  CHECK(store.add("high", "log-targets: {t: {override: merge, headers: {B: c}, tls: {ca-file: /ca2, key-file: /key}}}").empty());
  CHECK(to_yaml(*store.store.plan()) == R"(log-targets:
    plain:
        type: loki
        location: x
        services: []
        override: replace
    t:
        type: loki
        location: x
        services: []
        override: replace
        tls:
            ca-file: /ca2
            cert-file: /cert
            key-file: /key
        headers:
            A: a
            B: c
        compression: gzip
)");
}
