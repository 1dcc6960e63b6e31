#include "client/commands/context.h"
#include "client/commands/local_file.h"
#include "client/commands/table.h"
#include "client/commands/table_of_commands.h"
#include "layers/identities_file.h"
#include "layers/quote.h"

namespace cobble::client {
namespace {

constexpr Option from_option{.long_name = "from",
                             .help = "The YAML file with the identities, under a key \"identities\"",
                             .takes = Takes::text,
                             .required = true,
                             .refers_to = Refers::files};
constexpr Option list_options[] = {format_option};
constexpr Option file_options[] = {from_option};
constexpr Option update_options[] = {
    from_option, {.long_name = "replace", .help = "Add what is new and remove what is null in the file, too."}};
constexpr Positional identity_positionals[] = {{.name = "<name>", .refers_to = Refers::identities}};

std::string types_of(const Identity& identity) {
  std::string types;
  const auto add = [&](bool there, std::string_view type) {
    if (there) types += (types.empty() ? "" : ",") + std::string(type);
  };
  add(identity.basic_password.has_value(), "basic");
  add(identity.cert_pem.has_value(), "cert");
  add(identity.local_user_id.has_value(), "local");
  return types.empty() ? "unknown" : types;
}

Result<int> identities(Context& context, const Arguments& arguments) {
  const auto all = context.client().identities();
  if (!all) return std::unexpected(all.error());
  Value::Map map;
  for (const auto& [name, identity] : *all) map.entries.emplace_back(name, to_value(identity));
  if (context.print_formatted(arguments, Value::Fields{{"identities", std::move(map)}})) return 0;
  if (all->empty()) {
    context.note("No identities.\n");
    return 0;
  }
  Table table;
  table.add({"Name", "Access", "Types"});
  for (const auto& [name, identity] : *all) table.add({name, identity.access, types_of(identity)});
  context.print(table.text());
  return 0;
}

Result<int> identity(Context& context, const Arguments& arguments) {
  const auto all = context.client().identities();
  if (!all) return std::unexpected(all.error());
  const auto found = all->find(arguments.positional(0));
  if (found == all->end()) return fail("cannot find identity " + layers::quote(arguments.positional(0)));
  const Value value = to_value(found->second);
  if (!context.print_formatted(arguments, value)) context.print(to_yaml(value));
  return 0;
}

/// What a file says in the form in which it is sent.
std::map<std::string, std::optional<Identity>> entries_of(const layers::IdentityEntries& parsed) {
  std::map<std::string, std::optional<Identity>> entries;
  for (const auto& [name, given] : parsed) {
    auto& identity = entries[name];
    if (!given) continue;
    identity = Identity{given->access, std::nullopt, given->password, given->pem};
    if (given->local) identity->local_user_id = given->user_id.value_or(0);
  }
  return entries;
}

/// Sends the file's identities with an action. `done` begins the line on success.
Result<int> send_file(Context& context, const Arguments& arguments, const std::string& action, const std::string& done,
                      const std::string& kind = {}) {
  const auto text = read_local_file(arguments.text("from"));
  if (!text) return fail(text.error().message);
  const auto parsed = layers::parse_identities_file(*text);
  if (!parsed) return fail(parsed.error());
  const auto entries = entries_of(*parsed);
  for (const auto& [name, identity] : entries) {
    if (action == "remove" && identity)
      return fail("identity value for " + layers::quote(name) + " must be null for remove operation");
  }
  const auto sent = context.client().change_identities(action, entries);
  if (!sent) return std::unexpected(sent.error());
  context.print(done + " " + std::to_string(entries.size()) + kind + (entries.size() == 1 ? " identity.\n" : " identities.\n"));
  return 0;
}

Result<int> add_identities(Context& context, const Arguments& arguments) {
  return send_file(context, arguments, "add", "Added", " new");
}
Result<int> remove_identities(Context& context, const Arguments& arguments) {
  return send_file(context, arguments, "remove", "Removed");
}
Result<int> update_identities(Context& context, const Arguments& arguments) {
  const bool replace = arguments.given("replace");
  return send_file(context, arguments, replace ? "replace" : "update", replace ? "Replaced" : "Updated");
}

}  // namespace

const Command identities_command{
    .name = "identities",
    .summary = "List all identities",
    .description =
        "The identities command lists who may use the server's API, how far their access goes, and how they are known.\n\n"
        "Other commands on identities:\n"
        "identity shows one,\n"
        "add-identities adds new ones from a file,\n"
        "update-identities changes or replaces those that are there,\n"
        "remove-identities removes some.",
    .category = Category::identities,
    .options = list_options,
    .run = identities,
};

const Command identity_command{
    .name = "identity",
    .summary = "Show one identity",
    .description = "The identity command shows one identity as YAML.",
    .category = Category::identities,
    .options = list_options,
    .positionals = identity_positionals,
    .run = identity,
};

const Command add_identities_command{
    .name = "add-identities",
    .summary = "Add new identities",
    .description = "The add-identities command adds the identities of a file. All of their names must be new.",
    .category = Category::identities,
    .options = file_options,
    .run = add_identities,
};

const Command update_identities_command{
    .name = "update-identities",
    .summary = "Change or replace identities",
    .description =
        "The update-identities command gives identities that exist the values of a file. With --replace, names may also be new, "
        "and those whose "
        "value is null are removed.",
    .category = Category::identities,
    .options = update_options,
    .run = update_identities,
};

const Command remove_identities_command{
    .name = "remove-identities",
    .summary = "Remove identities",
    .description = "The remove-identities command removes the identities that a file names. Their values in it must be null.",
    .category = Category::identities,
    .options = file_options,
    .run = remove_identities,
};

}  // namespace cobble::client
