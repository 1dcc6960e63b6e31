#include <sys/stat.h>

#include "client/commands/context.h"
#include "client/commands/layer_files.h"
#include "client/commands/local_accounts.h"
#include "client/commands/table_of_commands.h"
#include "layers/combine.h"

namespace cobble::client {
namespace {

constexpr Positional validate_positionals[] = {{.name = "<path>", .list = true, .refers_to = Refers::files}};

Result<int> validate(Context& context, const Arguments& arguments) {
  const LocalAccounts accounts;
  std::vector<layers::LayerPtr> all;
  for (const std::string& path : arguments.positionals()) {
    const auto read = read_layers(path, accounts);
    if (!read) return std::unexpected(read.error());
    for (const std::string& warning : read->warnings) context.note("WARNING: " + path + ": " + warning + "\n");
    all.insert(all.end(), read->layers.begin(), read->layers.end());
  }
  const auto plan = layers::combine(all, accounts);
  if (!plan) return fail(plan.error());
  context.print(std::to_string(all.size()) + (all.size() == 1 ? " layer" : " layers") + ", the plan is valid.\n");
  return 0;
}

}  // namespace

const Command validate_command{
    .name = "validate",
    .summary = "Check layers without a server",
    .description =
        "The validate command reads layer files, or directories of them, lays them over each other in the order given, and tells "
        "the first "
        "fault of a layer or of the plan that results. Users and groups are looked up on this system. No server is asked.",
    .category = Category::more,
    .positionals = validate_positionals,
    .run = validate,
};

}  // namespace cobble::client
