#include <algorithm>
#include <cstdio>

#include "client/commands/context.h"
#include "client/commands/names.h"
#include "client/commands/table.h"
#include "client/commands/table_of_commands.h"
#include "client/commands/wait.h"
#include "client/commands/when.h"
#include "layers/quote.h"

namespace cobble::client {
namespace {

constexpr Option changes_options[] = {abs_time_option, format_option};
constexpr Option tasks_options[] = {
    abs_time_option,
    format_option,
    {.long_name = "last",
     .help =
         "Show the newest change of this type instead of one by its ID. With a '?' at the end it is no error if there is none.",
     .takes = Takes::text},
};
constexpr Positional changes_positionals[] = {{.name = "<service>", .required = false, .refers_to = Refers::services}};
constexpr Positional tasks_positionals[] = {{.name = "<change-id>",
                                             .required = false,
                                             .help = "The ID of a change, as the changes command shows it",
                                             .refers_to = Refers::changes}};

/// Tells of a pending reboot; any other pending maintenance fails the command.
Result<void> check_maintenance(Context& context, std::string& warning) {
  const auto& maintenance = context.client().maintenance();
  if (!maintenance) return {};
  if (maintenance->kind != "system-restart") return std::unexpected(Error{Error::Source::server, maintenance->message, {}});
  warning = "WARNING: " + reboot_text() + "\n";
  return {};
}

/// The order of the list: by time, then by ID as a number.
bool came_before(const Change& a, const Change& b) {
  if (a.spawn_time.before(b.spawn_time) || b.spawn_time.before(a.spawn_time)) return a.spawn_time.before(b.spawn_time);
  return a.id.size() != b.id.size() ? a.id.size() < b.id.size() : a.id < b.id;
}

Result<int> changes(Context& context, const Arguments& arguments) {
  const std::string service = arguments.positional(0);
  if (!service.empty() && service.find_first_not_of("0123456789") == std::string::npos) {
    const std::string program(program_name);
    return fail("'" + program + " changes' command expects a service name, try '" + program + " tasks " + service + "'");
  }
  if (service == "everything") {
    context.print("Yes, yes it does.\n");
    return 0;
  }
  auto list = context.client().changes(service);
  if (!list) return std::unexpected(list.error());
  std::string warning;
  if (auto goes_on = check_maintenance(context, warning); !goes_on) return std::unexpected(goes_on.error());
  std::ranges::sort(*list, came_before);
  Value::List items;
  for (const Change& change : *list) items.push_back(to_value(change));
  if (!context.print_formatted(arguments, Value::Fields{{"changes", std::move(items)}})) {
    if (list->empty()) {
      context.note("no changes found\n");
    } else {
      const bool absolute = arguments.given("abs-time");
      Table table;
      table.add({"ID", "Status", "Spawn", "Ready", "Summary"});
      for (const Change& change : *list) {
        table.add({change.id, change.status, show_time(change.spawn_time, absolute), show_time(change.ready_time, absolute),
                   change.summary});
      }
      context.print(table.text() + "\n");
    }
  }
  context.note(warning);
  return 0;
}

/// The ID of the newest change of a type; empty if it is no error that there is none.
Result<std::string> newest_of(Client& client, std::string type) {
  const bool optional = type.ends_with('?');
  if (optional) type.pop_back();
  const auto list = client.changes({});
  if (!list) return std::unexpected(list.error());
  const Change* newest = nullptr;
  for (const Change& change : *list) {
    if (change.kind == type && (!newest || newest->spawn_time.before(change.spawn_time))) newest = &change;
  }
  if (newest) return newest->id;
  if (optional) return std::string();
  return list->empty() ? fail("no changes found") : fail("no changes of type " + layers::quote(type) + " found");
}

Result<std::string> wanted_change(Context& context, const Arguments& arguments) {
  const std::string id = arguments.positional(0);
  const std::string type = arguments.text("last");
  if (id.empty() && type.empty()) return fail("please provide change ID or type with --last=<type>");
  if (!id.empty() && !type.empty()) return fail("cannot use change ID and type together");
  if (!type.empty()) return newest_of(context.client(), type);
  if (id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") != std::string::npos)
    return fail("invalid change ID " + layers::quote(id));
  return id;
}

std::string task_summary(const Task& task) {
  if (task.status != "Doing" || task.progress.total <= 1) return task.summary;
  char percent[32];
  std::snprintf(percent, sizeof percent, " (%.2f%%)",
                100.0 * static_cast<double>(task.progress.done) / static_cast<double>(task.progress.total));
  return task.summary + percent;
}

std::string tasks_text(const Change& change, bool absolute) {
  Table table;
  table.add({"Status", "Spawn", "Ready", "Summary"});
  for (const Task& task : change.tasks) {
    table.add({task.status, show_time(task.spawn_time, absolute), show_time(task.ready_time, absolute), task_summary(task)});
  }
  std::string text = table.text();
  for (const Task& task : change.tasks) {
    if (task.log.empty()) continue;
    text += "\n" + std::string(70, '.') + "\n" + task.summary + "\n\n";
    for (const std::string& entry : task.log) text += entry + "\n";
  }
  return text + "\n";
}

Result<int> tasks(Context& context, const Arguments& arguments) {
  const auto id = wanted_change(context, arguments);
  if (!id) return std::unexpected(id.error());
  if (id->empty()) return 0;
  const auto change = context.client().change(*id);
  if (!change) return std::unexpected(change.error());
  std::string warning;
  if (auto goes_on = check_maintenance(context, warning); !goes_on) return std::unexpected(goes_on.error());
  if (!context.print_formatted(arguments, to_value(*change))) context.print(tasks_text(*change, arguments.given("abs-time")));
  context.note(warning);
  return 0;
}

}  // namespace

const Command changes_command{
    .name = "changes",
    .summary = "List what has been done and is being done",
    .description =
        "The changes command lists the changes that the server has made or is making, the oldest first, or only those that "
        "concern a service.",
    .category = Category::changes,
    .options = changes_options,
    .positionals = changes_positionals,
    .run = changes,
};

const Command tasks_command{
    .name = "tasks",
    .summary = "Show the steps of a change and their logs",
    .description = "The tasks command shows the tasks that make up a change, and what they have logged.",
    .category = Category::changes,
    .options = tasks_options,
    .positionals = tasks_positionals,
    .run = tasks,
    .extra = Extra::ignored,
};

}  // namespace cobble::client
