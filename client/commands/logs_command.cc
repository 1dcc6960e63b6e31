#include <charconv>
#include <optional>

#include "client/commands/context.h"
#include "client/commands/interrupt.h"
#include "client/commands/table_of_commands.h"
#include "layers/quote.h"

namespace cobble::client {
namespace {

constexpr std::string_view logs_formats[] = {"text", "json"};
constexpr Option logs_options[] = {
    {.short_name = 'f',
     .long_name = "follow",
     .help = "Go on showing lines as they are written, until Ctrl-C. Without services, those are followed that run when the "
             "command starts."},
    {.short_name = 'n', .help = "How many lines to show at first: a number (30 if not given) or 'all'.", .takes = Takes::text},
    {.long_name = "format", .help = "Output format", .takes = Takes::text, .choices = logs_formats, .default_value = "text"},
};
constexpr Positional logs_positionals[] = {{.name = "<service>", .required = false, .list = true, .refers_to = Refers::services}};
constexpr std::int64_t default_lines = 30;

/// The number for the request: -1 for all; nullopt for words that are no number.
std::optional<std::int64_t> line_count(std::string_view text) {
  if (text.empty()) return default_lines;
  if (text == "all") return -1;
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  std::int64_t count = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), count);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || count < 0) return std::nullopt;
  return count;
}

std::string shown(const LogLine& line, bool json) {
  if (!json) return format_time_milliseconds(line.time) + " [" + line.service + "] " + line.message + "\n";
  return to_json(to_value(line), false) + "\n";
}

Result<int> logs(Context& context, const Arguments& arguments) {
  const auto count = line_count(arguments.text("n"));
  if (!count) return fail("expected n to be a non-negative integer or \"all\", not " + layers::quote(arguments.text("n")));
  const bool follow = arguments.given("follow");
  const bool json = arguments.text("format") == "json";
  std::optional<Interrupt> interrupt;
  if (follow) {
    interrupt.emplace();
    context.client().set_interrupt(interrupt->fd());
  }
  const auto read = context.client().logs({follow, *count, arguments.positionals()}, [&](const LogLine& line) {
    context.print(shown(line, json));
    return context.write_error() == 0;
  });
  context.client().set_interrupt(-1);
  if (context.write_error() != 0)
    return fail("cannot output log: write /dev/stdout: " + system_error_text(context.write_error()));
  if (!read) return std::unexpected(read.error());
  return 0;
}

}  // namespace

const Command logs_command{
    .name = "logs",
    .summary = "Show what services have written",
    .description =
        "The logs command shows the newest lines that the given services (or all services) have written, in the order of time.",
    .category = Category::services,
    .options = logs_options,
    .positionals = logs_positionals,
    .run = logs,
};

}  // namespace cobble::client
