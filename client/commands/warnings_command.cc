#include "client/commands/amounts.h"
#include "client/commands/context.h"
#include "client/commands/table.h"
#include "client/commands/table_of_commands.h"
#include "client/commands/terminal.h"
#include "client/commands/when.h"
#include "client/commands/wrap.h"

namespace cobble::client {
namespace {

constexpr std::string_view unicode_choices[] = {"auto", "never", "always"};
constexpr Option warnings_options[] = {
    {.long_name = "all", .help = "List all warnings, also those that were okayed."},
    abs_time_option,
    format_option,
    {.long_name = "unicode",
     .help = "Kept for old scripts; has no effect.",
     .takes = Takes::text,
     .choices = unicode_choices,
     .default_value = "auto"},
    {.long_name = "verbose", .help = "Show when the warning occurred first, and when it repeats and expires."},
};

std::string shown(const Notice& warning, const Arguments& arguments) {
  const bool absolute = arguments.given("abs-time");
  const bool verbose = arguments.given("verbose");
  Table table;
  if (verbose) table.add({"first-occurrence:", show_time(warning.first_occurred, absolute)});
  table.add({"last-occurrence:", show_time(warning.last_occurred, absolute)});
  if (verbose) {
    table.add({"last-repeated:", show_time(warning.last_repeated, absolute)});
    if (warning.repeat_after.count() != 0) table.add({"repeats-after:", show_short_duration(warning.repeat_after)});
    if (warning.expire_after.count() != 0) table.add({"expires-after:", show_short_duration(warning.expire_after)});
  }
  return table.text() + "warning: |\n" + wrap_warning(warning.key, message_columns());
}

Result<int> warnings(Context& context, const Arguments& arguments) {
  const bool all = arguments.given("all");
  auto seen = context.seen();
  if (!seen) {
    context.note("WARNING: " + seen.error().message + "\n");
    seen = SeenTimes();
  }
  const bool okayed = !seen->warnings_last_okayed.is_zero() && !all;
  NoticeFilter filter;
  filter.types = {"warning"};
  if (okayed) filter.after = seen->warnings_last_okayed;
  const auto list = context.client().notices(filter);
  if (!list) return wrap("cannot get notices: ", list.error());
  if (!all && !list->empty()) {
    seen->warnings_last_listed = list->back().last_repeated;
    if (auto kept = context.keep_seen(*seen); !kept) return std::unexpected(kept.error());
  }
  Value::List items;
  for (const Notice& warning : *list) items.push_back(to_value(warning));
  if (context.print_formatted(arguments, Value::Fields{{"warnings", std::move(items)}})) return 0;
  if (list->empty()) context.note(okayed ? "No further warnings.\n" : "No warnings.\n");
  for (const Notice& warning : *list) context.print((&warning == &list->front() ? "" : "---\n") + shown(warning, arguments));
  return 0;
}

}  // namespace

const Command warnings_command{
    .name = "warnings",
    .summary = "List warnings",
    .description =
        "The warnings command lists the warnings that have not been okayed yet. After it, the okay command silences what it has "
        "listed.",
    .category = Category::notices,
    .options = warnings_options,
    .run = warnings,
};

}  // namespace cobble::client
