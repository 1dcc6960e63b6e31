#include "client/commands/help.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <sstream>

#include "client/commands/completion.h"
#include "client/commands/table.h"
#include "client/commands/table_of_commands.h"

using namespace cobble::client;

TEST_CASE("names, letters and long names in the table are unique, and every visible word has help") {
  std::set<std::string_view> names;
  for (const Command* command : all_commands()) {
    CHECK(names.insert(command->name).second);
    CHECK(command->run != nullptr);
    CHECK_FALSE(command->summary.empty());
    std::set<std::string> keys;
    for (const Option& option : command->options) {
      CHECK(keys.insert(std::string(option.key())).second);
      CHECK_FALSE(option.help.empty());
    }
    const auto& positionals = command->positionals;
    for (std::size_t i = 0; i + 1 < positionals.size(); ++i) CHECK_FALSE(positionals[i].list);
  }
}

TEST_CASE("the help of a command fits the width") {
  for (const Command* command : all_commands()) {
    for (const std::size_t width : {60, 80, 120}) {
      std::istringstream lines(command_help(*command, width));
      for (std::string line; std::getline(lines, line);) {
        INFO(command->name << ": " << line);
        CHECK((width_of(line) <= width || line.starts_with("  pebble ")));
        CHECK((line.empty() || line.back() != ' '));
      }
    }
  }
}

TEST_CASE("usage names options and words") {
  CHECK(usage_line(start_command) == "pebble start [start-OPTIONS] <service>...");
  CHECK(usage_line(checks_command) == "pebble checks [checks-OPTIONS] [<check>...]");
  CHECK(usage_line(rm_command) == "pebble rm [rm-OPTIONS] <path>");
  CHECK(usage_line(okay_command) == "pebble okay [okay-OPTIONS]");
  CHECK(usage_line(pull_command) == "pebble pull <remote-path> <local-path>");
}

TEST_CASE("options are aligned, also those without a short form") {
  const std::string help = command_help(mkdir_command, 80);
  CHECK(help.find("\n      -p            Make parent") != std::string::npos);
  CHECK(help.find("\n      -m=           Permissions") != std::string::npos);
  CHECK(help.find("\n          --user=   Name of the user\n") != std::string::npos);
  CHECK(command_help(logs_command, 80).find("          --format=[text|json] Output format (default: text)\n") !=
        std::string::npos);
}

TEST_CASE("the overview lists categories, the long one every command of them") {
  const std::string brief = short_help(all_commands());
  CHECK(brief.find("\n        Plan: add, plan, replan\n") != std::string::npos);
  CHECK(brief.find("\n  Identities: identities --help\n") != std::string::npos);
  const std::string all = long_help(all_commands());
  CHECK(all.find("\n    remove-identities  Remove identities\n") != std::string::npos);
  CHECK(all.find("autostart") == std::string::npos);
}

TEST_CASE("completion offers commands, and options of a command") {
  CHECK(complete(all_commands(), Names{"sta"}, false) == "start\nstart-checks\n");
  CHECK(complete(all_commands(), Names{"services", "--f"}, false) == "--format\n");
  CHECK(complete(all_commands(), Names{"services", "x"}, false).empty());
  CHECK(complete(all_commands(), Names{"pla"}, true) == "plan  # Show the plan\n");
}

TEST_CASE("a misspelt command has a neighbour") {
  CHECK(nearest_command("servces") == "services");
  CHECK(nearest_command("strat") == "start");
  CHECK(nearest_command("frobnicate").empty());
  CHECK(nearest_command("nope").empty());  // half of "top" would have to change
}
