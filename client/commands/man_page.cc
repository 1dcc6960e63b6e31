#include "client/commands/man_page.h"

#include "client/api/time.h"
#include "client/commands/help.h"
#include "client/commands/names.h"

namespace cobble::client {
namespace {

/// Text as roff wants it: no line begins with a control character, backslashes and hyphens stand for themselves.
std::string roff(std::string_view text) {
  std::string escaped;
  bool begins = true;
  for (const char c : text) {
    if (begins && (c == '.' || c == '\'')) escaped += "\\&";
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else {
      escaped += c;
    }
    begins = c == '\n';
  }
  return escaped;
}

/// Paragraphs apart by blank lines.
std::string paragraphs(std::string_view text) {
  std::string page;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = text.find("\n\n", begin);
    page += ".PP\n" + roff(text.substr(begin, end - begin)) + "\n";
    if (end == std::string_view::npos) break;
    begin = end + 2;
  }
  return page;
}

std::string option_entry(const Option& option) {
  std::string names;
  if (option.short_name != 0) names = std::string("\\fB\\-") + option.short_name + "\\fP";
  if (!option.long_name.empty()) names += (names.empty() ? "\\fB\\-\\-" : ", \\fB\\-\\-") + roff(option.long_name) + "\\fP";
  if (!option.choices.empty()) {
    names += "=";
    for (const std::string_view choice : option.choices)
      names += (choice == option.choices.front() ? "" : "|") + std::string(choice);
  } else if (option.takes != Takes::nothing) {
    names += " \\fIVALUE\\fP";
  }
  std::string help = roff(option.help);
  if (!option.default_value.empty()) help += " (default: " + std::string(option.default_value) + ")";
  return ".TP\n" + names + "\n" + help + "\n";
}

}  // namespace

std::string man_page(std::span<const Command* const> commands, std::int64_t date) {
  const std::string program(program_name);
  std::string page = ".TH " + program + " 8 \"" + format_time_seconds({date, 0, 0}).substr(0, 10) + "\"\n";
  page += ".SH NAME\n" + program + " \\- keeps services running and watches their health\n";
  page += ".SH SYNOPSIS\n\\fB" + program + "\\fP <command> [<options>...]\n";
  page += ".SH DESCRIPTION\n" +
          roff(std::string(display_name) +
               " runs the services that its configuration layers describe, restarts them when they fail, checks their "
               "health, and lets programs and people manage them over a REST API or with the commands below.") +
          "\n";
  page += ".SH COMMANDS\n";
  for (const Command* command : commands) {
    if (command->hidden) continue;
    page += ".SS " + std::string(command->name) + "\n" + roff(command->summary) + "\n";
    page += ".PP\n\\fBUsage\\fP: " + roff(usage_line(*command)) + "\n" + paragraphs(command->description);
    for (const Option& option : command->options) {
      if (!option.hidden) page += option_entry(option);
    }
  }
  page += ".SH ENVIRONMENT\n.TP\n\\fBPEBBLE\\fP\nThe directory of configuration layers, state and socket (default: " +
          roff(default_directory) + ").\n";
  page += ".TP\n\\fBPEBBLE_SOCKET\\fP\nThe path of the server's socket (default: .pebble.socket in that directory).\n";
  return page;
}

}  // namespace cobble::client
