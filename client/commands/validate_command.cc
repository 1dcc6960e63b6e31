#include <sys/stat.h>

#include "client/commands/context.h"
#include "client/commands/local_accounts.h"
#include "client/commands/local_file.h"
#include "client/commands/table_of_commands.h"
#include "layers/combine.h"
#include "layers/directory.h"
#include "layers/parse.h"

namespace cobble::client {
namespace {

constexpr Positional validate_positionals[] = {{.name = "<path>", .list = true}};

/// The label of a layer in a file: its name without the ending and without the number in front.
std::string label_of(const std::string& path) {
  std::string name = path.substr(path.rfind('/') + 1);
  if (const auto dot = name.rfind('.'); dot != std::string::npos && dot > 0) name.erase(dot);
  const auto digits = name.find_first_not_of("0123456789");
  if (digits != std::string::npos && digits > 0 && name[digits] == '-') name.erase(0, digits + 1);
  return name;
}

bool is_directory(const std::string& path) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

/// The layers of a file or a directory.
Result<layers::DirectoryLayers> read_layers(const std::string& path, const layers::Accounts& accounts) {
  if (is_directory(path)) {
    auto read = layers::read_layers_directory(path, accounts);
    if (!read) return fail(path + ": " + read.error());
    return std::move(*read);
  }
  const auto text = read_local_file(path);
  if (!text) return fail(text.error().message);
  auto parsed = layers::parse_layer(label_of(path), *text, accounts);
  if (!parsed) return fail(path + ": " + parsed.error());
  return layers::DirectoryLayers{{std::make_shared<const layers::Layer>(std::move(parsed->layer))}, std::move(parsed->warnings)};
}

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
    .positionals = validate_positionals,
    .run = validate,
};

}  // namespace cobble::client
