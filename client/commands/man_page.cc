#include "client/commands/man_page.h"

#include <algorithm>

#include "client/api/time.h"
#include "client/commands/environment.h"
#include "client/commands/help.h"
#include "client/commands/names.h"
#include "client/commands/roff.h"
#include "layers/keys.h"

namespace cobble::client {
namespace {

std::string in_capitals(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

/// A summary as it stands behind a name: without a capital at the front.
std::string uncapitalised(std::string_view text) {
  std::string out(text);
  if (!out.empty() && out[0] >= 'A' && out[0] <= 'Z') out[0] = static_cast<char>(out[0] - 'A' + 'a');
  return out;
}

std::string head(const std::string& page, int section, std::int64_t date, std::string_view summary) {
  return ".TH " + in_capitals(page) + " " + std::to_string(section) + " " + format_time_seconds({date, 0, 0}).substr(0, 10) +
         " Cobble\n.SH NAME\n" + page + " \\- " + roff_text(summary);
}

std::string page_name(std::string_view topic) {
  return std::string(program_name) + "-" + std::string(topic);
}

std::string reference(const std::string& page, int section) {
  return ".BR " + page + " (" + std::to_string(section) + ")";
}

/// Pages that belong together, apart by commas.
std::string see_also(const std::vector<std::string>& references) {
  std::string text = ".SH SEE ALSO\n";
  for (const std::string& one : references) text += one + (&one == &references.back() ? "\n" : " ,\n");
  return text;
}

/// The usage line with the program's words in bold and what stands for something else in italics.
std::string synopsis(const Command& command) {
  std::string text = ".SH SYNOPSIS\n" + roff_bold(program_name) + " " + roff_bold(command.name);
  if (command.has_visible_options()) text += " [" + roff_italic("options") + "]";
  for (const Positional& positional : command.positionals) {
    std::string name(positional.name);
    std::erase_if(name, [](char c) { return c == '<' || c == '>'; });
    const std::string word = roff_italic(name) + (positional.list ? "..." : "");
    text += positional.required ? " " + word : " [" + word + "]";
  }
  return text + "\n";
}

std::string option_entry(const Option& option) {
  std::string names;
  if (option.short_name != 0) names = roff_bold(std::string("-") + option.short_name);
  if (!option.long_name.empty()) names += (names.empty() ? "" : ", ") + roff_bold("--" + std::string(option.long_name));
  if (!option.choices.empty()) {
    names += "=";
    for (const std::string_view choice : option.choices)
      names += (choice == option.choices.front() ? "" : "|") + roff_bold(choice);
  } else if (option.takes != Takes::nothing) {
    static constexpr std::pair<Takes, std::string_view> kinds[] = {
        {Takes::integer, "number"}, {Takes::uint32, "number"}, {Takes::duration, "duration"}, {Takes::words, "word..."}};
    const auto kind = std::ranges::find(kinds, option.takes, &std::pair<Takes, std::string_view>::first);
    names += " " + roff_italic(kind == std::end(kinds) ? "value" : kind->second);
  }
  std::string help(option.help);
  if (!help.ends_with('.')) help += '.';
  if (option.required) help += " Required.";
  if (!option.default_value.empty()) help += " Default: " + std::string(option.default_value) + ".";
  return roff_entry(names, help);
}

std::string options_section(const Command& command) {
  std::string text;
  for (const Option& option : command.options)
    if (!option.hidden) text += option_entry(option);
  text += roff_entry(roff_bold("-h") + ", " + roff_bold("--help"), "Show what the command does and takes, and end.");
  text += roff_entry(roff_bold("--version"), "Show the version of this client, and end.");
  return ".SH OPTIONS\n" + text;
}

std::string arguments_section(const Command& command) {
  std::string text;
  for (const Positional& positional : command.positionals)
    if (!positional.help.empty()) text += roff_entry(roff_italic(positional.name), std::string(positional.help) + ".");
  return text.empty() ? text : ".SH ARGUMENTS\n" + text;
}

std::string exit_status_section(const Command& command) {
  const std::string special(command.exit_status);
  return ".SH EXIT STATUS\n" + roff_text(special.empty() ? "0 on success, 1 if something went wrong." : special);
}

std::string variables() {
  std::string text = ".SH ENVIRONMENT\n";
  for (const auto& [name, help] : environment_variables()) text += roff_entry(roff_bold(name), std::string(help));
  return text;
}

std::string files() {
  return ".SH FILES\n" +
         roff_entry(roff_bold("$PEBBLE/layers/"), "Layers, read in the order of their numbers: 001-base.yaml, 002-more.yaml.") +
         roff_entry(roff_bold("$PEBBLE/.pebble.socket"), "Where the daemon listens.") +
         roff_entry(roff_bold("$PEBBLE/.pebble.state"), "What the daemon remembers: changes, notices, identities.");
}

/// What stands behind a key, in italics where it names a kind of value.
std::string key_entry(const layers::Key& key) {
  return roff_entry(roff_bold(std::string(key.name) + ":") + " " + roff_italic(key.value), key.help);
}

constexpr std::string_view layer_example =
    "summary: A web application\n"
    "services:\n"
    "    web:\n"
    "        override: replace\n"
    "        command: python3 -m http.server [ 8000 ]\n"
    "        startup: enabled\n"
    "        environment:\n"
    "            GREETING: hello\n"
    "        on-check-failure:\n"
    "            web-up: restart\n"
    "checks:\n"
    "    web-up:\n"
    "        override: replace\n"
    "        level: alive\n"
    "        http:\n"
    "            url: http://localhost:8000/\n"
    "log-targets:\n"
    "    central:\n"
    "        override: replace\n"
    "        type: loki\n"
    "        location: https://loki.example:3100/loki/api/v1/push\n"
    "        services: [all]\n";

}  // namespace

std::string man_page(std::span<const Command* const> commands, std::int64_t date) {
  const std::string program(program_name);
  std::string page = head(program, 8, date, "keep services running and watch their health");
  page += ".SH SYNOPSIS\n" + roff_bold(program) + " " + roff_italic("command") + " [" + roff_italic("options") + "] [" +
          roff_italic("argument") + "...]\n";
  page += ".SH DESCRIPTION\n" +
          roff_paragraphs(
              std::string(display_name) +
              " runs the services that its configuration layers describe, restarts them when they fail, checks their "
              "health, and lets programs and people manage them over a REST API or with the commands below.\n\n"
              "The same program is daemon and client: run starts the daemon, the other commands talk to one. Options stand "
              "behind the command; each command has a page of its own.");
  page += ".SH COMMANDS\n";
  std::vector<std::string> references = {reference(page_name(layer_topic), 5)};
  for (const Command* command : commands) {
    if (command->hidden) continue;
    page += roff_entry(roff_bold(command->name), std::string(command->summary) + ".");
    references.push_back(reference(page_name(command->name), 8));
  }
  page += ".SH EXIT STATUS\n" + roff_text("0 on success, 1 if something went wrong; exec ends with the status of what it ran.");
  return page + variables() + files() + see_also(references);
}

std::string command_man_page(const Command& command, std::int64_t date) {
  std::string page = head(page_name(command.name), 8, date, uncapitalised(command.summary)) + synopsis(command);
  page += ".SH DESCRIPTION\n" + roff_paragraphs(command.description);
  page += arguments_section(command) + options_section(command) + exit_status_section(command);
  return page + see_also({reference(std::string(program_name), 8), reference(page_name(layer_topic), 5)});
}

std::string layer_man_page(std::int64_t date) {
  std::string page = head(page_name(layer_topic), 5, date, "configuration layers of services, checks and log targets");
  page += ".SH DESCRIPTION\n" +
          roff_paragraphs(
              "A layer is a YAML file that says what should run. The daemon reads all layers of its directory, files whose names "
              "are three digits, a hyphen, a label and .yaml, lays them over each other in the order of the digits, and takes "
              "further ones over its API. What results is the plan.\n\n"
              "An entry of a layer replaces one of the same name in the layers below it, or is merged into it, as its override "
              "says. Merging sets single values anew, adds to lists, and merges mappings key by key.\n\n"
              "Durations are numbers with units: 500ms, 1m30s, 2h. Keys that are not listed here are errors.");
  for (const layers::KeyTable& table : layers::layer_keys()) {
    page +=
        table.place.empty() ? ".SH THE LAYER\n" : ".SH \"" + std::string(table.place.substr(0, table.place.size() - 1)) + "\"\n";
    if (!table.help.empty()) page += roff_text(table.help);
    for (const layers::Key& key : table.keys) page += key_entry(key);
  }
  page += ".SH EXAMPLES\n" + roff_text("The file 001-web.yaml:") + roff_example(layer_example);
  return page +
         see_also({reference(std::string(program_name), 8), reference(page_name("add"), 8), reference(page_name("plan"), 8),
                   reference(page_name("replan"), 8), reference(page_name("validate"), 8)});
}

}  // namespace cobble::client
