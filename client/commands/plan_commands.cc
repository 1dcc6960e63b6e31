#include "client/commands/context.h"
#include "client/commands/diff.h"
#include "client/commands/layer_files.h"
#include "client/commands/local_accounts.h"
#include "client/commands/local_file.h"
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
     .takes = Takes::text},
};
constexpr Positional add_positionals[] = {{.name = "<label>"}, {.name = "<layer-path>"}};
constexpr Option wait_options[] = {no_wait_option};

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

Result<int> replan(Context& context, const Arguments& arguments) {
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
    .options = wait_options,
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
