#include <algorithm>

#include "client/commands/context.h"
#include "client/commands/table.h"
#include "client/commands/table_of_commands.h"
#include "client/commands/wait.h"
#include "client/commands/when.h"

namespace cobble::client {
namespace {

constexpr Option list_options[] = {
    format_option,
    abs_time_option,
    {.long_name = "long", .help = "Show process IDs, restarts, exit codes and faults, too, as far as the server tells them."},
};
constexpr Positional any_services[] = {{.name = "<service>", .required = false, .list = true, .refers_to = Refers::services}};
constexpr Positional some_services[] = {{.name = "<service>", .list = true, .refers_to = Refers::services}};
constexpr Positional signal_positionals[] = {
    {.name = "<SIGNAL>", .refers_to = Refers::signals},
    {.name = "<service>", .required = false, .list = true, .refers_to = Refers::services}};
constexpr Option wait_options[] = {no_wait_option};

std::string shown(const std::optional<std::int64_t>& number) {
  return number ? std::to_string(*number) : "-";
}

std::string services_table(const std::vector<ServiceInfo>& services, bool absolute, bool in_detail) {
  Table table;
  std::vector<std::string> head = {"Service", "Startup", "Current", "Since"};
  if (in_detail) head.insert(head.end(), {"PID", "Restarts", "Exit", "Next", "Fault"});
  table.add(std::move(head));
  for (const ServiceInfo& service : services) {
    std::vector<std::string> row = {service.name, service.startup, service.current, show_time(service.current_since, absolute)};
    const ServiceDetails& details = service.details;
    if (in_detail) {
      row.insert(row.end(), {shown(details.pid), shown(details.restarts), shown(details.last_exit_code),
                             show_time(details.next_restart, absolute), details.last_error.empty() ? "-" : details.last_error});
    }
    table.add(std::move(row));
  }
  return table.text();
}

Result<int> services(Context& context, const Arguments& arguments) {
  const auto list = context.client().services(arguments.positionals());
  if (!list) return std::unexpected(list.error());
  Value::Map map;
  for (const ServiceInfo& service : *list) map.entries.emplace_back(service.name, to_value(service, arguments.given("long")));
  if (context.print_formatted(arguments, Value::Fields{{"services", std::move(map)}})) return 0;
  if (list->empty()) {
    context.note(arguments.positionals().empty() ? "Plan has no services.\n" : "No matching services.\n");
    return 0;
  }
  context.print(services_table(*list, arguments.given("abs-time"), arguments.given("long")));
  return 0;
}

Result<int> start(Context& context, const Arguments& arguments) {
  return change_services(context, arguments, "start", arguments.positionals());
}
Result<int> stop(Context& context, const Arguments& arguments) {
  return change_services(context, arguments, "stop", arguments.positionals());
}
Result<int> restart(Context& context, const Arguments& arguments) {
  return change_services(context, arguments, "restart", arguments.positionals());
}

Result<int> signal(Context& context, const Arguments& arguments) {
  std::string name = arguments.positional(0);
  if (std::ranges::any_of(name, [](char c) { return c >= 'a' && c <= 'z'; })) {
    return fail("signal name must be uppercase, for example HUP");
  }
  if (!name.starts_with("SIG")) name = "SIG" + name;
  const auto sent = context.client().send_signal(name, arguments.rest(1));
  if (!sent) return std::unexpected(sent.error());
  return 0;
}

}  // namespace

const Command services_command{
    .name = "services",
    .summary = "Show the state of services",
    .description =
        "The services command lists the given services, or all services of the plan, with how they are to start and what they do "
        "now.",
    .category = Category::services,
    .options = list_options,
    .positionals = any_services,
    .run = services,
};

const Command start_command{
    .name = "start",
    .summary = "Start services and what they require",
    .description =
        "The start command starts the given services and the services that they require, in the plan's order. A service that is "
        "running already is left alone.",
    .category = Category::services,
    .options = wait_options,
    .positionals = some_services,
    .run = start,
};

const Command stop_command{
    .name = "stop",
    .summary = "Stop services and what requires them",
    .description = "The stop command stops the given services and the services that require them, in reverse order of the plan.",
    .category = Category::services,
    .options = wait_options,
    .positionals = some_services,
    .run = stop,
};

const Command restart_command{
    .name = "restart",
    .summary = "Restart services",
    .description = "The restart command stops those of the given services that are running and then starts all of them.",
    .category = Category::services,
    .options = wait_options,
    .positionals = some_services,
    .run = restart,
};

const Command signal_command{
    .name = "signal",
    .summary = "Send a signal to running services",
    .description =
        "The signal command sends a signal, given by its name such as HUP or SIGHUP, to the main process of each of the given "
        "services.",
    .category = Category::services,
    .positionals = signal_positionals,
    .run = signal,
};

}  // namespace cobble::client
