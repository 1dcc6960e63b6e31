#include "daemon/logs/forwarding/encode.h"

#include <catch2/catch.hpp>

#include "daemon/logs/forwarding/labels.h"
#include "daemon/logs/forwarding/syslog_location.h"

namespace cobble::logs::forwarding {
namespace {

constexpr std::int64_t time_ms = 1'795'419'670'536;  // 2026-11-23T07:41:10.536Z

/// The batch of contract 07, section 10.6.
std::vector<QueuedEntry> example() {
  const auto one = std::make_shared<const Stream>(Stream{"svc1", {{"owner", "user-alice"}, {"q", "q\"]\\ é<&>"}, {"zeta", "z"}}});
  const auto two = std::make_shared<const Stream>(Stream{"svc2", {{"owner", "user-bob"}, {"q", ""}, {"zeta", "z"}}});
  return {{time_ms, one, "hello <world> & \"quotes\""}, {time_ms, two, "from two"}, {time_ms + 102, one, "second"}};
}

TEST_CASE("Loki") {
  CHECK(
      encode_loki(example()) ==
      R"({"streams":[{"stream":{"owner":"user-alice","pebble_service":"svc1","q":"q\"]\\ é\u003c\u0026\u003e","zeta":"z"},"values":)"
      R"([["1795419670536000000","hello \u003cworld\u003e \u0026 \"quotes\""],["1795419670638000000","second"]]},)"
      R"({"stream":{"owner":"user-bob","pebble_service":"svc2","q":"","zeta":"z"},"values":[["1795419670536000000","from two"]]}]})");
}

TEST_CASE("OpenTelemetry") {
  CHECK(
      encode_opentelemetry(example()) ==
      R"({"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"svc1"}},)"
      R"({"key":"owner","value":{"stringValue":"user-alice"}},{"key":"q","value":{"stringValue":"q\"]\\ é\u003c\u0026\u003e"}},)"
      R"({"key":"zeta","value":{"stringValue":"z"}}]},"scopeLogs":[{"scope":{"name":"pebble"},"logRecords":)"
      R"([{"timeUnixNano":"1795419670536000000","body":{"stringValue":"hello \u003cworld\u003e \u0026 \"quotes\""}},)"
      R"({"timeUnixNano":"1795419670638000000","body":{"stringValue":"second"}}]}]},)"
      R"({"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"svc2"}},{"key":"owner","value":{"stringValue":"user-bob"}},)"
      R"({"key":"q","value":{"stringValue":""}},{"key":"zeta","value":{"stringValue":"z"}}]},"scopeLogs":[{"scope":{"name":"pebble"},)"
      R"("logRecords":[{"timeUnixNano":"1795419670536000000","body":{"stringValue":"from two"}}]}]}]})");

  const auto renamed = std::make_shared<const Stream>(Stream{"svc", {{"", "v"}, {"service.name", "mine"}}});
  const std::vector<QueuedEntry> entries{{time_ms, renamed, ""}};
  CHECK(encode_opentelemetry(entries).starts_with(
      R"({"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"mine"}},{"value":{"stringValue":"v"}}]})"));
}

TEST_CASE("Entries of a service before and after a change of its labels go apart") {
  const auto before = std::make_shared<const Stream>(Stream{"a", {{"v", "1"}}});
  const auto same = std::make_shared<const Stream>(*before);
  const auto after = std::make_shared<const Stream>(Stream{"a", {{"v", "2"}}});
  const std::vector<QueuedEntry> entries{{1, before, "x"}, {2, after, "y"}, {3, same, "z"}};
  const auto groups = group_by_stream(entries);
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].size() == 2);
  CHECK(groups[1].front()->message == "y");
}

TEST_CASE("Syslog") {
  const auto entries = example();
  std::string message;
  append_syslog(message, entries[0], "vm", 4000);
  CHECK(message ==
        "<13>1 2026-11-23T07:41:10.536Z vm svc1 - - [pebble@28978 owner=\"user-alice\" q=\"q\\\"\\]\\\\ é<&>\" zeta=\"z\"] "
        "hello <world> & \"quotes\"");
  std::string frame;
  append_syslog_frame(frame, entries[1], "vm");
  CHECK(frame.starts_with("97 <13>1 "));

  const auto bare = std::make_shared<const Stream>(Stream{"svc one é", {}});
  message.clear();
  append_syslog(message, {time_ms + 464, bare, std::string(4001, 'x')}, "", 4000);
  CHECK(message == "<13>1 2026-11-23T07:41:11Z - svc_one___ - - [pebble@28978] " + std::string(3997, 'x') + "...");
  message.clear();
  append_syslog(message, {time_ms, std::make_shared<const Stream>(Stream{"s", {{"k e=y\"]", "v"}, {"", "w"}}}), ""}, "h", 4000);
  CHECK(message == "<13>1 2026-11-23T07:41:10.536Z h s - - [pebble@28978 _=\"w\" k_e_y__=\"v\"] ");
}

TEST_CASE("Label values are expanded") {
  const std::map<std::string, std::string> variables{{"A", "va"},     {"A_1", "va1"}, {"1", "one"},
                                                     {"$", "dollar"}, {"E", ""},      {"N", "$A"}};
  struct Row {
    const char* text;
    const char* expanded;
  };
  for (const auto& [text, expanded] : {
           Row{"$A", "va"},
           Row{"${A}x", "vax"},
           Row{"$A_1-$A.b", "va1-va.b"},
           Row{"$1$12", "oneone2"},
           Row{"${1}${-}", "one"},
           Row{"$$A", "dollarA"},
           Row{"100$", "100$"},
           Row{"$ x", "$ x"},
           Row{"$é", "$é"},
           Row{"é$Aé", "évaé"},
           Row{"${}y", "y"},
           Row{"${Ay", "Ay"},
           Row{"${A b}", ""},
           Row{"\\$A", "\\va"},
           Row{"$UNDEF|$E|$N", "||$A"},
           Row{"$-$*$#$@$!$?z", "z"},
           Row{"", ""},
           Row{"plain", "plain"},
       }) {
    CHECK(expand_variables(text, variables) == expanded);
  }
}

TEST_CASE("Syslog locations") {
  const auto good = parse_syslog_location("TCP://user:pa@[::1]:514/path?x");
  REQUIRE(good);
  CHECK(good->host == "::1");
  CHECK(good->port == "514");
  CHECK(good->text == "tcp://[::1]:514");
  CHECK(parse_syslog_location("udp://h")->port.empty());
  CHECK(parse_syslog_location("http://foo:514").error() ==
        "invalid syslog server location \"http://foo:514\", must be in form \"tcp://host:port\" or \"udp://host:port\"");
  CHECK(parse_syslog_location("foo:514").error() ==
        "invalid syslog server location \"foo:514\", must be in form \"tcp://host:port\" or \"udp://host:port\"");
  CHECK(parse_syslog_location("udp://[::1").error() ==
        "invalid syslog server location: parse \"udp://[::1\": missing ']' in host");
  CHECK(parse_syslog_location("http://u:secret@h").error().find("secret") == std::string::npos);
}

}  // namespace
}  // namespace cobble::logs::forwarding
