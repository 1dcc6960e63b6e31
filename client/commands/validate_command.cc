#include "client/commands/context.h"
#include "client/commands/layer_files.h"
#include "client/commands/local_accounts.h"
#include "client/commands/table_of_commands.h"
#include "layers/combine.h"

namespace cobble::client {
namespace {

constexpr Option validate_options[] = {format_option};
constexpr Positional validate_positionals[] = {{.name = "<path>", .list = true, .refers_to = Refers::files}};

/// `FILE:LINE:COLUMN: TEXT`, as far as there is a place.
std::string shown(const FileFault& found) {
  std::string text = found.file + ":";
  if (found.fault.line > 0) text += std::to_string(found.fault.line) + ":";
  if (found.fault.column > 0) text += std::to_string(found.fault.column) + ":";
  return text + " " + found.fault.text + "\n";
}

Value to_value(const FileFault& found) {
  Value::Fields fields;
  if (!found.file.empty()) fields.emplace_back("file", found.file);
  if (found.fault.line > 0) fields.emplace_back("line", std::int64_t(found.fault.line));
  if (found.fault.column > 0) fields.emplace_back("column", std::int64_t(found.fault.column));
  fields.emplace_back("message", found.fault.text);
  return fields;
}

Result<int> refuse(Context& context, const Arguments& arguments, const std::vector<FileFault>& faults) {
  Value::List list;
  for (const FileFault& found : faults) list.push_back(to_value(found));
  if (context.print_formatted(arguments, Value::Fields{{"valid", false}, {"faults", std::move(list)}})) return 1;
  for (const FileFault& found : faults) context.note(shown(found));
  return fail(std::to_string(faults.size()) + (faults.size() == 1 ? " fault was found" : " faults were found"));
}

/// What is wrong with the plan that the layers make together, or how many layers there are.
Result<std::size_t> combined(Context& context, const Names& paths, const layers::Accounts& accounts) {
  std::vector<layers::LayerPtr> all;
  for (const std::string& path : paths) {
    const auto read = read_layers(path, accounts);
    if (!read) return std::unexpected(read.error());
    for (const std::string& warning : read->warnings) context.note("WARNING: " + path + ": " + warning + "\n");
    all.insert(all.end(), read->layers.begin(), read->layers.end());
  }
  const auto plan = layers::combine(all, accounts);
  if (!plan) return fail(plan.error());
  return all.size();
}

Result<int> validate(Context& context, const Arguments& arguments) {
  const LocalAccounts accounts;
  std::vector<FileFault> faults;
  for (const std::string& path : arguments.positionals()) {
    for (FileFault& fault : find_faults(path, accounts)) faults.push_back(std::move(fault));
  }
  if (!faults.empty()) return refuse(context, arguments, faults);
  const auto count = combined(context, arguments.positionals(), accounts);
  if (!count && arguments.text("format") == "text") return std::unexpected(count.error());
  if (!count) return refuse(context, arguments, {{"", {0, 0, count.error().message}}});
  if (context.print_formatted(arguments, Value::Fields{{"valid", true}, {"faults", Value::List()}})) return 0;
  context.print(std::to_string(*count) + (*count == 1 ? " layer" : " layers") + ", the plan is valid.\n");
  return 0;
}

}  // namespace

const Command validate_command{
    .name = "validate",
    .summary = "Check layers without a server",
    .description =
        "The validate command reads layer files, or directories of them, and tells everything that is wrong with them, with "
        "file, "
        "line and column. Where each is well by itself, it lays them over each other in the order given and checks the plan that "
        "results. Users and groups are looked up on this system. No server is asked.",
    .category = Category::more,
    .options = validate_options,
    .positionals = validate_positionals,
    .run = validate,
};

}  // namespace cobble::client
