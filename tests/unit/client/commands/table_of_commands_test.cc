#include "client/commands/table_of_commands.h"

#include <catch2/catch.hpp>
#include <set>

#include "client/commands/completion.h"
#include "client/commands/help.h"
#include "client/commands/line_completion.h"
#include "client/commands/man_page.h"
#include "client/commands/parser.h"
#include "layers/keys.h"

namespace cobble::client {
namespace {

/// A word that is a value of the option.
std::string value_for(const Option& option) {
  if (!option.choices.empty()) return std::string(option.choices.back());
  switch (option.takes) {
    case Takes::integer:
    case Takes::uint32:
      return "7";
    case Takes::duration:
      return "7s";
    default:
      return "x";
  }
}

/// The words of a line with the option, or with all that the command requires when there is none.
std::vector<std::string> line_with(const Command& command, const Option* wanted, std::string_view name) {
  std::vector<std::string> words;
  const auto add = [&](const Option& option, std::string_view option_name) {
    words.emplace_back(option_name);
    if (option.takes != Takes::nothing) words.push_back(value_for(option));
    if (option.takes == Takes::words) words.emplace_back(";");
  };
  if (wanted) add(*wanted, name);
  for (const Option& option : command.options)
    if (option.required && &option != wanted) add(option, "--" + std::string(option.long_name));
  for (const Positional& positional : command.positionals)
    if (positional.required) words.emplace_back("x");
  return words;
}

std::vector<std::string> names_of(const Option& option) {
  std::vector<std::string> names;
  if (option.short_name != 0) names.push_back(std::string("-") + option.short_name);
  if (!option.long_name.empty()) names.push_back("--" + std::string(option.long_name));
  return names;
}

std::string roff_of(std::string text) {
  for (std::size_t at = 0; (at = text.find('-', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool offers(const std::vector<std::string>& words, const std::string& wanted) {
  const auto offered = complete_line(all_commands(), words).words;
  return std::ranges::find(offered, wanted, &Candidate::word) != offered.end();
}

TEST_CASE("parser, help, manual and completion agree on every command and option") {
  const std::string overview = long_help(all_commands()), page = man_page(all_commands(), 0);
  for (const Command* command : all_commands()) {
    const std::string name(command->name);
    INFO(name);
    CHECK(find_command(name) == command);
    CHECK(parse_words(*command, line_with(*command, nullptr, "")));
    CHECK(command->description.starts_with("The " + name + " command "));
    if (command->hidden) {
      CHECK_FALSE(has(page, roff_of(name) + "\\fP\n"));
      continue;
    }
    CHECK(has(overview, "    " + name + " ") == (command->category != Category::none));
    CHECK(has(page, "\\fB" + roff_of(name) + "\\fP\n"));
    CHECK(has(page, ".BR pebble-" + name + " (8)"));
    CHECK(offers({name.substr(0, 1)}, name));
    CHECK(has("\n" + complete(all_commands(), std::vector{name}, false), "\n" + name + "\n"));

    const std::string help = command_help(*command, 80), its_page = command_man_page(*command, 0);
    CHECK(has(its_page, ".TH "));
    std::set<std::string> seen;
    for (const Option& option : command->options) {
      for (const std::string& option_name : names_of(option)) {
        INFO(option_name);
        CHECK(seen.insert(option_name).second);
        const auto parsed = parse_words(*command, line_with(*command, &option, option_name));
        REQUIRE(parsed);
        CHECK(parsed->arguments.given(option.key()));
        CHECK(has(help, option_name) == !option.hidden);
        CHECK(has(its_page, "\\fB" + roff_of(option_name) + "\\fP") == !option.hidden);
        for (const std::string_view choice : option.choices) {
          CHECK(has(help, std::string(choice)));
          CHECK(offers({name, option_name, ""}, std::string(choice)));
          if (option_name.starts_with("--"))
            CHECK(offers({name, option_name + "=" + choice.front()}, option_name + "=" + std::string(choice)));
        }
      }
      const std::string main_name = names_of(option).back();
      CHECK(offers({name, main_name.starts_with("--") ? "--" : "-"}, main_name) == !option.hidden);
      CHECK_FALSE(option.help.empty());
    }
    for (const Positional& positional : command->positionals) {
      CHECK(has(help, std::string(positional.name)));
      CHECK(has(its_page, "\\fI" + roff_of(std::string(positional.name.substr(1, positional.name.size() - 2))) + "\\fP"));
    }
  }
}

TEST_CASE("the page of layers has every key") {
  const std::string page = layer_man_page(0);
  for (const layers::KeyTable& table : layers::layer_keys())
    for (const layers::Key& key : table.keys) {
      INFO(table.place << " " << key.name);
      CHECK(has(page, "\\fB" + roff_of(std::string(key.name)) + ":\\fP"));
    }
}

TEST_CASE("what names can stand where a line ends") {
  using Words = std::vector<std::string>;
  const auto names = [](const Words& words) { return complete_line(all_commands(), words).names; };
  CHECK(names({"start", ""}) == Refers::services);
  CHECK(names({"start", "--no-wait", "a", "b"}) == Refers::services);
  CHECK(names({"check", "x"}) == Refers::checks);
  CHECK(names({"check", "x", ""}) == Refers::nothing);
  CHECK(names({"signal", "HUP", ""}) == Refers::services);
  CHECK(names({"tasks", ""}) == Refers::changes);
  CHECK(names({"identity", ""}) == Refers::identities);
  CHECK(names({"add", "label", ""}) == Refers::files);
  CHECK(names({"exec", "--context", ""}) == Refers::services);
  CHECK(names({"exec", "-w", ""}) == Refers::files);
  CHECK(names({"exec", "--context=a", ""}) == Refers::files);
  CHECK(names({"exec", "ls", "--context", ""}) == Refers::files);
  CHECK(names({"enter", "--run", "start", ""}) == Refers::services);
  CHECK(names({"services", "--", "-"}) == Refers::services);
  CHECK(names({"plan", ""}) == Refers::nothing);
  CHECK(names({"nope", ""}) == Refers::nothing);
  CHECK(names({}) == Refers::nothing);
  CHECK(complete_line(all_commands(), Words{"exec", "--context=a"}).prefix == "--context=");
  CHECK(offers({"enter", "exec", "--co"}, "--context"));
  CHECK(offers({"help", "serv"}, "services"));
  CHECK(offers({"completion", ""}, "zsh"));
  CHECK(offers({"signal", "H"}, "HUP"));
  CHECK_FALSE(offers({"services", "--format", "--"}, "--abs-time"));
}

}  // namespace
}  // namespace cobble::client
