#include "layers/keys.h"

#include <catch2/catch.hpp>

#include "layers/parse.h"

namespace cobble::layers {
namespace {

/// What the parser says of a layer in which `key` stands alone at `place`.
std::string fault_of(std::string_view place, std::string_view key) {
  std::string text;
  std::size_t indent = 0;
  for (std::string_view left = place; !left.empty(); indent += 2) {
    const std::size_t end = left.find(':');
    text += std::string(indent, ' ') + std::string(left.substr(0, end)) + ":\n";
    left.remove_prefix(std::min(left.size(), end + 2));
  }
  text += std::string(indent, ' ') + std::string(key) + ": ~\n";
  const auto parsed = parse_layer("x", text, NoAccounts());
  return parsed ? std::string() : parsed.error();
}

bool is_unknown(const std::string& fault) {
  return fault.find("not found in type") != std::string::npos || fault.find("unknown section") != std::string::npos;
}

TEST_CASE("the parser takes every key that is told of, and no other") {
  for (const KeyTable& table : layer_keys()) {
    INFO(table.place);
    CHECK(is_unknown(fault_of(table.place, "nothing")));
    for (const Key& key : table.keys) {
      INFO(key.name);
      CHECK_FALSE(is_unknown(fault_of(table.place, key.name)));
      CHECK_FALSE(key.value.empty());
      CHECK(key.help.ends_with("."));
    }
  }
}

TEST_CASE("changed keys are those whose values differ, and what is not set differs from its default") {
  Service before, now;
  CHECK(changed_keys(before, now).empty());
  now.command = "x";
  now.environment = StringMap();
  now.kill_delay = Service::default_kill_delay;
  now.requires_services = {"a"};
  CHECK(changed_keys(before, now) == std::vector<std::string>{"command", "requires", "environment", "kill-delay"});
}

}  // namespace
}  // namespace cobble::layers
