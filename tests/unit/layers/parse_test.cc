#include "layers/parse.h"

#include <catch2/catch.hpp>

#include "layers/emit.h"
#include "layers/plan_store.h"

using namespace cobble::layers;

namespace {

class TestAccounts final : public Accounts {
 public:
  std::optional<std::int64_t> user_id(std::string_view name) const override {
    return name == "root" ? std::optional<std::int64_t>(0) : std::nullopt;
  }
  bool has_user_id(std::int64_t uid) const override { return uid == 0; }
  std::optional<std::int64_t> group_id(std::string_view name) const override { return user_id(name); }
};

const TestAccounts accounts;

std::string error_of(std::string_view text, std::string_view label = "lab") {
  const auto parsed = parse_layer(label, text, accounts);
  return parsed ? "(good)" : parsed.error();
}

/// Adds layers one after another and shows the plan, or the first error.
std::string plan_of(const std::vector<std::string>& texts) {
  PlanStore store(accounts);
  int number = 0;
  for (const std::string& text : texts) {
    auto parsed = parse_layer("l" + std::to_string(number++), text, accounts);
    if (!parsed) return parsed.error();
    if (auto done = store.add(std::move(parsed->layer), false, false); !done) return done.error().message;
  }
  return store.yaml();
}

std::string service(const std::string& fields) {
  return "services: {a: {override: replace, command: x, " + fields + "}}";
}

}  // namespace

TEST_CASE("empty layers are fine") {
  for (const char* text : {"", "{}", "null", "~", "---\n", "# comment\n", "services: ~\n", "services: {}", "summary: ~",
                           "pairing:\n", "pairing: foo", "pairing: []"}) {
    INFO(text);
    CHECK(error_of(text) == "(good)");
    CHECK(plan_of({text}) == "{}\n");
  }
}

TEST_CASE("what is wrong with a layer is named") {
  const std::string lab = "cannot parse layer \"lab\"";
  const std::pair<std::string, std::string> table[] = {
      {"services:\n", lab + " section \"services\": EOF"},
      {"workloads:\n", "cannot parse the \"workloads\" section: EOF"},
      {"foo: ~", lab + ": unknown section \"foo\""},
      {"Services: {}", lab + ": unknown section \"Services\""},
      {"- a", lab + ": yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into map[string]yaml.Node"},
      {"services: []",
       lab + " section \"services\": yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into map[string]*plan.Service"},
      {"services: foo", lab + " section \"services\": yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `foo` into "
                              "map[string]*plan.Service"},
      {"services:\n  a:\n", "service object cannot be null for service \"a\""},
      {service("after: b"),
       lab + " section \"services\": yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `b` into []string"},
      {service("user-id: \"0\""),
       lab + " section \"services\": yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `0` into int"},
      {service("user-id: true"),
       lab + " section \"services\": yaml: unmarshal errors:\n  line 1: cannot unmarshal !!bool `true` into int"},
      {service("user-id: 99999999999999999999"),
       lab + " section \"services\": yaml: unmarshal errors:\n  line 1: cannot unmarshal !!float `9999999...` into int"},
      {service("kill-delay: 1"), lab + " section \"services\": invalid duration \"1\""},
      {service("kill-delay: [1s]"), lab + " section \"services\": duration must be a YAML string"},
      {service("backoff-factor: foo"), lab + " section \"services\": invalid floating-point number \"foo\""},
      {service("backoff-factor: 1e400"), lab + " section \"services\": invalid floating-point number \"1e400\""},
      {service("backoff-factor: 0x1p5000"), lab + " section \"services\": invalid floating-point number \"0x1p5000\""},
      {service("backoff-factor: 1e-400"), "plan service \"a\" backoff-factor must be 1.0 or greater, not 0"},
      {service("backoff-factor: .inf"), lab + " section \"services\": invalid floating-point number \".inf\""},
      {service("backoff-factor: 0.99"), "plan service \"a\" backoff-factor must be 1.0 or greater, not 0.99"},
      {service("backoff-factor: 1e-7"), "plan service \"a\" backoff-factor must be 1.0 or greater, not 1e-07"},
      {service("command: z"),
       lab + " section \"services\": yaml: unmarshal errors:\n  line 1: mapping key \"command\" already defined at line 1"},
      {service("<<: foo"), lab + " section \"services\": yaml: map merge requires map or sequence of maps as the value"},
      {service("on-success: halt"), "plan service \"a\" on-success action \"halt\" invalid"},
      {"services: {a: {command: \"'x\"}}",
       "plan service \"a\" command invalid: cannot parse service \"a\" command: EOF found when expecting closing quote"},
      {"services: {pebble: {}}", "cannot use reserved service name \"pebble\""},
      {"services: {\"-x\": {}}", "cannot use service name \"-x\": starting with \"-\" not allowed"},
      {"checks: {c: {level: foo}}", "plan check \"c\" level must be \"alive\" or \"ready\""},
      {"checks: {c: {period: 0s}}", "plan check \"c\" period must not be zero"},
      {"checks: {c: {period: -1s}}", "plan check \"c\" period must not be negative"},
      {"checks: {c: {exec: {command: x, user: nosuch}}}", "plan check \"c\" has invalid user/group: user: unknown user nosuch"},
      {"checks: {c: {exec: {command: x, group: root}}}",
       "plan check \"c\" has invalid user/group: must specify user, not just group"},
      {"log-targets: {t: {type: foo}}",
       "log target \"t\" has unsupported type \"foo\", must be \"loki\", \"opentelemetry\" or \"syslog\""},
      {"log-targets: {t: {labels: {pebble_x: y}}}", "log target \"t\": label \"pebble_x\" uses reserved prefix \"pebble_\""},
      {"log-targets: {t: {tls: {insecure: true}}}",
       lab + " section \"log-targets\": yaml: unmarshal errors:\n  line 1: field insecure not found in type plan.LogTargetTLS"},
      {"log-targets: {t: {headers: {\"a b\": c}}}", "log target \"t\": invalid header name \"a b\""},
      {"log-targets: {t: {headers: {a: \"b\\nc\"}}}", "log target \"t\": invalid value of header \"a\""},
      {"log-targets: {t: {headers: {Content-Type: c}}}", "log target \"t\": header \"Content-Type\" cannot be set"},
      {"log-targets: {t: {compression: zip}}", "log target \"t\": unsupported compression \"zip\", must be \"gzip\""},
      {"pairing: [a]",
       "cannot parse the pairing section: yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into "
       "pairingstate.pairingConfig"},
      {"pairing: {mode: x}", "invalid pairing mode \"x\": should be \"disabled\", \"single\" or \"multiple\""},
  };
  for (const auto& [text, wanted] : table) {
    INFO(text);
    CHECK(error_of(text) == wanted);
  }
  CHECK(error_of("{}", "pebble-x") == "cannot use reserved label prefix \"pebble-\"");
}

TEST_CASE("all errors of a section are told, in document order") {
  CHECK(error_of("services:\n  a:\n    foo: x\n    after: y\n    environment: [a]\n  b:\n    bar: 1\n    command: [x]\n") ==
        "cannot parse layer \"lab\" section \"services\": yaml: unmarshal errors:\n"
        "  line 3: field foo not found in type plan.Service\n"
        "  line 4: cannot unmarshal !!str `y` into []string\n"
        "  line 5: cannot unmarshal !!seq into map[string]string\n"
        "  line 7: field bar not found in type plan.Service\n"
        "  line 8: cannot unmarshal !!seq into string");
}

TEST_CASE("the combined plan is checked") {
  const std::pair<std::string, std::string> table[] = {
      {"services: {a: {command: x}}", "layer \"l0\" must define \"override\" for service \"a\""},
      {"services: {a: {command: x, override: foo}}", "layer \"l0\" has invalid \"override\" value for service \"a\""},
      {"services: {a: {override: merge}}", "plan must define \"command\" for service \"a\""},
      {"checks: {c: {override: replace, http: {}}}", "plan must set \"url\" for http check \"c\""},
      {"checks: {c: {override: replace}}", "plan must specify one of \"http\", \"tcp\", or \"exec\" for check \"c\""},
      {"log-targets: {t: {override: replace, type: loki, location: x, services: [--svc1]}}",
       "log target \"t\" specifies unknown service \"-svc1\""},
      {"log-targets: {t: {override: replace, type: loki, location: x, tls: {key-file: k}}}",
       "plan must define \"cert-file\" where it defines \"key-file\" for log target \"t\""},
      {"services: {a: {override: replace, command: x, requires: [zz]}}", "service \"zz\" does not exist"},
      {"services: {a: {override: replace, command: x, after: [b]}, b: {override: replace, command: x, after: [a]}}",
       "services in before/after loop: a, b"},
      {"services: {a: {override: replace, command: x, workload: w}}", "workload \"w\": not defined for service \"a\""},
      {"workloads: {w: {override: bazinga}}", "workload \"w\": has an invalid \"override\" policy: \"bazinga\""},
  };
  for (const auto& [text, wanted] : table) {
    INFO(text);
    CHECK(plan_of({text}) == wanted);
  }
}

TEST_CASE("the contract's example of merging") {
  const std::string b = ", b: {override: replace, command: yy}";
  const std::string lower =
      "services: {a: {override: replace, summary: s1, startup: enabled, command: \"c1 [ x ]\", after: [n1], before: [n2], "
      "requires: [b],"
      " environment: {A: 1, B: 2}, user: root, user-id: 5, on-check-failure: {c1: restart, c2: ignore}, backoff-delay: 1s, "
      "kill-delay: 2s}" +
      b + "}";
  const std::string upper =
      "services: {a: {override: merge, summary: \"\", command: c2, after: [n1, n3], environment: {B: 3, C: 4}, user-id: 0,"
      " on-check-failure: {c2: shutdown}, backoff-delay: 0s}}";
  const std::string plan = plan_of({lower, upper});
  CHECK(plan ==
        "services:\n    a:\n        summary: s1\n        startup: enabled\n        override: replace\n        command: c2\n"
        "        after:\n            - n1\n            - n1\n            - n3\n        before:\n            - n2\n        "
        "requires:\n            - b\n"
        "        environment:\n            A: \"1\"\n            B: \"3\"\n            C: \"4\"\n        user-id: 0\n        "
        "user: root\n"
        "        on-check-failure:\n            c1: restart\n            c2: shutdown\n        backoff-delay: 0s\n        "
        "kill-delay: 2s\n"
        "    b:\n        override: replace\n        command: yy\n");
}

TEST_CASE("scalars are converted as the contract says") {
  CHECK(plan_of({service("user-id: 010, group-id: 0x1F, environment: {1.0: z, N: ~, Y: true}, after: [~, 5], backoff-factor: "
                         "0x2p1, backoff-delay: .5s")}) ==
        "services:\n    a:\n        override: replace\n        command: x\n        after:\n            - \"5\"\n        "
        "environment:\n            \"1.0\": z\n"
        "            \"N\": \"\"\n            \"Y\": \"true\"\n        user-id: 8\n        group-id: 31\n        backoff-delay: "
        "500ms\n        backoff-factor: 4\n");
}

TEST_CASE("an alias of a large scalar can't fill the memory") {
  std::string text = "summary: &a " + std::string(1'000'000, 'x') + "\nservices: {a: {after: [";
  for (int i = 0; i < 10'000; ++i) text += "*a,";
  text += "]}}";
  CHECK(error_of(text).ends_with("section \"services\": yaml: document contains excessive aliasing"));
}

TEST_CASE("alias bombs end at a bound") {
  std::string text = "services:\n  a: &s0 {override: replace, command: x}\n";
  std::string merges = "services:\n  m0: &m0 {override: replace, command: x, environment: &e0 {";
  for (int i = 0; i < 1000; ++i) merges += "k" + std::to_string(i) + ": v, ";
  merges += "}}\n";
  for (int i = 1; i < 3000; ++i) {
    merges += "  m" + std::to_string(i) + ": {<<: *m0, environment: {<<: [*e0, *e0, *e0, *e0, *e0]}}\n";
  }
  CHECK(error_of(merges) == "cannot parse layer \"lab\" section \"services\": yaml: document contains excessive aliasing");
}

TEST_CASE("all faults of a layer are found, with their places") {
  const auto faults = [](std::string_view text, std::string_view label = "lab") {
    std::string all;
    for (const Fault& fault : find_faults(label, text, accounts))
      all += std::to_string(fault.line) + ":" + std::to_string(fault.column) + " " + fault.text + "\n";
    return all;
  };
  CHECK(faults("").empty());
  CHECK(faults("services: {a: {override: replace, command: x}}").empty());
  CHECK(faults("services:\n  a: {x: 1, y: 2}\n  b: ~\nchecks:\n  c: {period: 0s}\nfoo: 1\nlog-targets: 5\n") ==
        "2:10 field x not found in type plan.Service\n"
        "2:16 field y not found in type plan.Service\n"
        "3:3 service object cannot be null for service \"b\"\n"
        "5:3 plan check \"c\" period must not be zero\n"
        "6:1 cannot parse layer \"lab\": unknown section \"foo\"\n"
        "7:14 cannot unmarshal !!int `5` into map[string]*plan.LogTarget\n");
  CHECK(faults("services:\n  a: {override: replace}\n  a: {override: merge}\n").starts_with("3:3 mapping key \"a\""));
  CHECK(faults("a: [").starts_with("1:0 yaml: line 1: "));
  CHECK(faults("{}", "pebble-x") == "0:0 cannot use reserved label prefix \"pebble-\"\n");
  CHECK(faults("5").starts_with("1:1 "));
  CHECK(faults("pairing: {mode: many}").starts_with("1:1 invalid pairing mode"));
  CHECK(faults("workloads: {w: {foo: 1}}") == "1:22 field foo not found in type workloads.Workload\n");
  CHECK(
      faults("services:\n  a: &a {override: replace, on-failure: never}\n  b: {<<: *a}\n") ==
      "2:3 plan service \"a\" on-failure action \"never\" invalid\n3:3 plan service \"b\" on-failure action \"never\" invalid\n");
}
