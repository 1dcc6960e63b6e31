#include "client/commands/context.h"
#include "client/commands/table.h"
#include "client/commands/table_of_commands.h"
#include "layers/quote.h"

namespace cobble::client {
namespace {

constexpr Option level_option{
    .long_name = "level", .help = "Only checks of this level count", .takes = Takes::text, .choices = level_choices};
constexpr Option list_options[] = {format_option, level_option};
constexpr Option check_options[] = {format_option, {.long_name = "refresh", .help = "Run the check now and show what it found."}};
constexpr Positional any_checks[] = {{.name = "<check>", .required = false, .list = true, .refers_to = Refers::checks}};
constexpr Positional some_checks[] = {{.name = "<check>", .list = true, .refers_to = Refers::checks}};
constexpr Positional one_check[] = {{.name = "<check>", .refers_to = Refers::checks}};

constexpr std::size_t text_limit = 70;

/// The last log entry of a change's first task without its time and level; empty if there is none.
std::string last_entry(const Change& change) {
  if (change.tasks.empty() || change.tasks.front().log.empty()) return {};
  const std::string& entry = change.tasks.front().log.back();
  const auto time_end = entry.find(' ');
  const auto level_end = time_end == std::string::npos ? time_end : entry.find(' ', time_end + 1);
  std::string text = level_end == std::string::npos ? entry : entry.substr(level_end + 1);
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) text.replace(at, 1, "\\n");
  return text;
}

/// The text cut to what fits, pointing to the rest.
std::string shortened(const std::string& text, const std::string& change_id) {
  if (text.size() <= text_limit) return text;
  const std::string more = "... run \"pebble tasks " + change_id + "\" for more";
  std::size_t end = text_limit > more.size() ? text_limit - more.size() : 0;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + more;
}

/// What the Change column says of a check.
std::string change_cell(Client& client, const CheckInfo& check) {
  if (check.change_id.empty()) return "-";
  if (check.failures == 0) return check.change_id;
  for (const std::string& id : {check.change_id, check.prev_change_id}) {
    if (id.empty()) continue;
    const auto change = client.change(id);
    if (!change) return check.change_id + " (" + change.error().message + ")";
    const std::string text = last_entry(*change);
    if (!text.empty()) return check.change_id + " (" + shortened(text, id) + ")";
  }
  return check.change_id;
}

std::vector<std::string> row_of(Client& client, const CheckInfo& check) {
  const std::string level = check.level.empty() ? "-" : check.level;
  const std::string change = change_cell(client, check);
  if (check.status == "inactive") return {check.name, level, check.startup, check.status, "-", "-", change};
  const std::string successes = check.successes ? std::to_string(*check.successes) : "?";
  const std::string failures = std::to_string(check.failures) + "/" + std::to_string(check.threshold);
  return {check.name, level, check.startup, check.status, successes, failures, change};
}

Result<int> checks(Context& context, const Arguments& arguments) {
  const std::string level = arguments.text("level");
  const auto list = context.client().checks(level, arguments.positionals());
  if (!list) return std::unexpected(list.error());
  Value::Map map;
  for (const CheckInfo& check : *list) map.entries.emplace_back(check.name, to_value(check));
  if (context.print_formatted(arguments, Value::Fields{{"checks", std::move(map)}})) return 0;
  if (list->empty()) {
    context.note(arguments.positionals().empty() && level.empty() ? "Plan has no health checks.\n"
                                                                  : "No matching health checks.\n");
    return 0;
  }
  Table table;
  table.add({"Check", "Level", "Startup", "Status", "Successes", "Failures", "Change"});
  for (const CheckInfo& check : *list) table.add(row_of(context.client(), check));
  context.print(table.text());
  return 0;
}

/// All log entries of the first task of the check's change, or of the one before it.
Result<std::string> logs_of(Client& client, const CheckInfo& check) {
  for (const std::string& id : {check.change_id, check.prev_change_id}) {
    if (id.empty()) continue;
    const auto change = client.change(id);
    if (!change) return wrap("cannot get task logs for change " + id + ": ", change.error());
    std::string text;
    if (!change->tasks.empty()) {
      for (const std::string& entry : change->tasks.front().log) text += entry + "\n";
    }
    if (!text.empty()) return text;
  }
  return std::string();
}

Result<RefreshedCheck> look_up(Client& client, const Arguments& arguments) {
  const std::string name = arguments.positional(0);
  if (arguments.given("refresh")) return client.refresh_check(name);
  auto list = client.checks({}, {name});
  if (!list) return std::unexpected(list.error());
  if (list->empty()) return fail("cannot find check " + layers::quote(name));
  return RefreshedCheck{std::move(list->front()), {}};
}

Result<int> check(Context& context, const Arguments& arguments) {
  const auto found = look_up(context.client(), arguments);
  if (!found) return std::unexpected(found.error());
  std::string text;
  if ((found->info.failures > 0 || !found->error.empty()) && !found->info.change_id.empty()) {
    auto logs = logs_of(context.client(), found->info);
    if (!logs) return std::unexpected(logs.error());
    text = std::move(*logs);
  }
  const Value value = to_value(found->info, found->error, text);
  if (!context.print_formatted(arguments, value)) context.print(to_yaml(value));
  return 0;
}

Result<int> change_checks(Context& context, const Arguments& arguments, const std::string& action, const std::string& done) {
  const auto changed = context.client().change_checks(action, arguments.positionals());
  if (!changed) return std::unexpected(changed.error());
  std::string names;
  for (const std::string& name : *changed) names += (names.empty() ? "" : ", ") + name;
  context.print(changed->empty() ? "Checks already " + done + ".\n" : "Checks " + done + ": " + names + "\n");
  return 0;
}

Result<int> start_checks(Context& context, const Arguments& arguments) {
  return change_checks(context, arguments, "start", "started");
}
Result<int> stop_checks(Context& context, const Arguments& arguments) {
  return change_checks(context, arguments, "stop", "stopped");
}

Result<int> health(Context& context, const Arguments& arguments) {
  const auto healthy = context.client().health(arguments.text("level"), arguments.positionals());
  if (!healthy) return std::unexpected(healthy.error());
  if (context.print_formatted(arguments, Value::Fields{{"healthy", *healthy}})) return 0;
  context.print(*healthy ? "healthy\n" : "unhealthy\n");
  return *healthy ? 0 : 1;
}

}  // namespace

const Command checks_command{
    .name = "checks",
    .summary = "Show the state of health checks",
    .description =
        "The checks command lists the given health checks, or all of them, with how often they succeeded and failed, and why "
        "they failed last.",
    .category = Category::checks,
    .options = list_options,
    .positionals = any_checks,
    .run = checks,
};

const Command check_command{
    .name = "check",
    .summary = "Show one health check in detail",
    .description = "The check command shows one health check, as YAML, with the log of its failures.",
    .category = Category::checks,
    .options = check_options,
    .positionals = one_check,
    .run = check,
};

const Command start_checks_command{
    .name = "start-checks",
    .summary = "Start health checks",
    .description = "The start-checks command starts the given health checks. Those that run already are left alone.",
    .category = Category::checks,
    .positionals = some_checks,
    .run = start_checks,
};

const Command stop_checks_command{
    .name = "stop-checks",
    .summary = "Stop health checks",
    .description = "The stop-checks command stops the given health checks. They count as healthy while they are stopped.",
    .category = Category::checks,
    .positionals = some_checks,
    .run = stop_checks,
};

const Command health_command{
    .name = "health",
    .summary = "Tell whether the system is healthy",
    .description =
        "The health command tells by a word, and by its exit status in the text format, whether all of the given health checks "
        "(or all of a "
        "level, or all there are) are up.",
    .exit_status = "In the text format 1 if a check is down; in the others 0 whether or not one is.",
    .category = Category::checks,
    .options = list_options,
    .positionals = any_checks,
    .run = health,
};

}  // namespace cobble::client
