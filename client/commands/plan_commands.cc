#include "client/commands/context.h"
#include "client/commands/diff.h"
#include "client/commands/layer_files.h"
#include "client/commands/local_accounts.h"
#include "client/commands/local_file.h"
#include "client/commands/table.h"
#include "client/commands/table_of_commands.h"
#include "client/commands/wait.h"
#include "layers/combine.h"
#include "layers/emit.h"
#include "layers/parse.h"
#include "layers/quote.h"

namespace cobble::client {
namespace {

constexpr Option add_options[] = {
    {.long_name = "combine", .help = "Merge the layer into an existing one of the same label; without it, that is an error."},
    {.long_name = "inner", .help = "Allow labels of the form <first>/<second>, which keep the sub-layers of one owner together."},
};
constexpr Option plan_options[] = {
    {.long_name = "diff",
     .help = "Show what would change if the layer in this file were put on top; the server's plan stays as it is.",
     .takes = Takes::text,
     .refers_to = Refers::files},
};
constexpr Positional add_positionals[] = {{.name = "<label>"}, {.name = "<layer-path>", .refers_to = Refers::files}};
constexpr Option wait_options[] = {no_wait_option};
constexpr Option replan_options[] = {
    no_wait_option,
    {.long_name = "dry-run", .help = "Show what would be started, stopped and restarted, and why, without doing it."},
    format_option,
};

Result<int> add(Context& context, const Arguments& arguments) {
  const std::string label = arguments.positional(0);
  const std::string path = arguments.positional(1);
  auto text = read_local_file(path);
  if (!text) return fail(text.error().message);
  const auto added = context.client().add_layer({arguments.given("combine"), arguments.given("inner"), label, std::move(*text)});
  if (!added) return std::unexpected(added.error());
  context.print("Layer " + layers::quote(label) + " added successfully from " + layers::quote(path) + "\n");
  return 0;
}

/// How the plan would change by the layers of a file or directory.
Result<std::string> plan_diff(const std::string& plan, const std::string& path) {
  const LocalAccounts accounts;
  auto current = layers::parse_layer("plan", plan, accounts);
  if (!current) return fail("cannot read the server's plan: " + current.error());
  const auto added = read_layers(path, accounts);
  if (!added) return std::unexpected(added.error());
  std::vector<layers::LayerPtr> all = {std::make_shared<const layers::Layer>(std::move(current->layer))};
  const auto before = layers::combine(all, accounts);
  if (!before) return fail("cannot read the server's plan: " + before.error());
  all.insert(all.end(), added->layers.begin(), added->layers.end());
  const auto now = layers::combine(all, accounts);
  if (!now) return fail(now.error());
  return line_diff(layers::to_yaml(*before), layers::to_yaml(*now));
}

Result<int> plan(Context& context, const Arguments& arguments) {
  const auto text = context.client().plan();
  if (!text) return std::unexpected(text.error());
  if (!arguments.given("diff")) {
    context.print(*text);
    return 0;
  }
  const auto diff = plan_diff(*text, arguments.text("diff"));
  if (!diff) return std::unexpected(diff.error());
  context.print(*diff);
  return 0;
}

std::string joined(const Names& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// Why a replan would do something, in words.
std::string reason_of(const ReplanStep& step) {
  if (step.reason == "changed") return "changed: " + joined(step.keys);
  if (step.reason == "dependency") return "requires " + joined(step.services) + ", to be stopped";
  if (step.reason == "required-by") return "required by " + joined(step.services);
  return step.reason == "enabled" ? "startup is enabled" : step.reason;
}

std::string preview_table(const ReplanPreview& preview) {
  std::string text;
  if (!preview.services.empty()) {
    Table services;
    services.add({"Service", "Action", "Reason"});
    for (const ReplanStep& step : preview.services) services.add({step.name, step.action, reason_of(step)});
    text = services.text();
  }
  if (!preview.checks.empty()) {
    Table checks;
    checks.add({"Check", "Action", "Reason"});
    for (const std::string& name : preview.checks) checks.add({name, "start", "startup is enabled"});
    text += (text.empty() ? "" : "\n") + checks.text();
  }
  return text;
}

Value preview_value(const ReplanPreview& preview) {
  Value::Map services, checks;
  for (const ReplanStep& step : preview.services) {
    Value::Fields fields = {{"action", step.action}, {"reason", step.reason}};
    if (!step.keys.empty()) fields.emplace_back("keys", step.keys);
    if (!step.services.empty()) fields.emplace_back("services", step.services);
    services.entries.emplace_back(step.name, std::move(fields));
  }
  for (const std::string& name : preview.checks) checks.entries.emplace_back(name, Value::Fields{{"action", "start"}});
  return Value::Fields{{"services", std::move(services)}, {"checks", std::move(checks)}};
}

Result<int> preview_replan(Context& context, const Arguments& arguments) {
  if (arguments.given("no-wait")) return fail("cannot use --dry-run and --no-wait at the same time");
  const auto preview = context.client().preview_replan();
  if (!preview) {
    if (preview.error().source == Error::Source::server && preview.error().kind.empty())
      return wrap("cannot tell what a replan would do: ", preview.error());
    return std::unexpected(preview.error());
  }
  if (context.print_formatted(arguments, preview_value(*preview))) return 0;
  if (preview->services.empty() && preview->checks.empty()) {
    context.note("A replan would change nothing.\n");
  } else {
    context.print(preview_table(*preview));
  }
  return 0;
}

Result<int> replan(Context& context, const Arguments& arguments) {
  if (arguments.given("dry-run")) return preview_replan(context, arguments);
  if (arguments.given("format")) return fail("--format is for --dry-run alone");
  return change_services(context, arguments, "replan", std::nullopt);
}

Result<int> autostart(Context& context, const Arguments& arguments) {
  return change_services(context, arguments, "autostart", std::nullopt);
}

}  // namespace

const Command add_command{
    .name = "add",
    .summary = "Add a configuration layer to the plan",
    .description =
        "The add command reads a layer from a file and puts it on top of the plan's layers under the given label. Services are "
        "neither started nor stopped by it: use the replan command for that.",
    .category = Category::plan,
    .options = add_options,
    .positionals = add_positionals,
    .run = add,
};

const Command plan_command{
    .name = "plan",
    .summary = "Show the plan",
    .description = "The plan command prints, as YAML, the configuration that results from combining all layers.",
    .category = Category::plan,
    .options = plan_options,
    .run = plan,
};

const Command replan_command{
    .name = "replan",
    .summary = "Make running services match the plan",
    .description =
        "The replan command stops and starts those running services whose configuration has changed since they were started, and "
        "starts services with startup \"enabled\" that are not running.",
    .category = Category::plan,
    .options = replan_options,
    .run = replan,
    .extra = Extra::one_ignored,
};

const Command autostart_command{
    .name = "autostart",
    .summary = "Start the services that start by default",
    .description = "The autostart command starts all services with startup \"enabled\", and what they require.",
    .options = wait_options,
    .run = autostart,
    .extra = Extra::one_ignored,
};

}  // namespace cobble::client
