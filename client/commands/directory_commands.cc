#include <cstdlib>
#include <utility>

#include "client/commands/amounts.h"
#include "client/commands/context.h"
#include "client/commands/owner_options.h"
#include "client/commands/table.h"
#include "client/commands/table_of_commands.h"
#include "client/commands/when.h"

namespace cobble::client {
namespace {

constexpr Option ls_options[] = {
    abs_time_option,
    format_option,
    {.short_name = 'd', .help = "List a directory itself, not what is in it."},
    {.short_name = 'l', .help = "Show permissions, owner, size and time, too."},
};
constexpr Option mkdir_options[] = {parents_option, mode_option, uid_option, user_option, gid_option, group_option};
constexpr Option rm_options[] = {
    {.short_name = 'r', .help = "Remove a directory with all that is in it. It is no error if the path does not exist."}};
constexpr Positional path_positionals[] = {{.name = "<path>", .refers_to = Refers::files}};

bool has_pattern(std::string_view text) {
  return text.find_first_of("*?[") != std::string_view::npos;
}

/// A path whose last element may be a pattern: the directory and the pattern.
Result<std::pair<std::string, std::string>> split_pattern(const std::string& path) {
  std::string_view trimmed = path;
  while (trimmed.ends_with('/')) trimmed.remove_suffix(1);
  const auto slash = trimmed.rfind('/');
  const std::string_view directory = slash == std::string_view::npos ? std::string_view() : trimmed.substr(0, slash + 1);
  const std::string_view element = trimmed.substr(directory.size());
  if (has_pattern(directory)) return fail("can only use globs on the last path element");
  if (!has_pattern(element)) return std::pair(path, std::string());
  return std::pair(std::string(directory), std::string(element));
}

char type_letter(const std::string& type) {
  if (type == "file") return '-';
  if (type == "directory") return 'd';
  if (type == "symlink") return 'L';
  if (type == "socket") return 'S';
  if (type == "named-pipe") return 'p';
  return type == "device" ? 'D' : '?';
}

std::string mode_text(const FileInfo& file) {
  static constexpr std::string_view letters = "rwxrwxrwx";
  const auto bits = std::strtoul(file.permissions.c_str(), nullptr, 8);
  std::string text(1, type_letter(file.type));
  for (std::size_t i = 0; i < letters.size(); ++i) text += (bits >> (8 - i) & 1U) != 0 ? letters[i] : '-';
  return text;
}

std::string long_listing(const std::vector<FileInfo>& files, bool absolute) {
  Table table;
  for (const FileInfo& file : files) {
    const std::string size = file.type == "file" ? show_size(file.size.value_or(0)) : "-";
    const std::string aligned = std::string(size.size() < 6 ? 6 - size.size() : 0, ' ') + size;
    table.add({mode_text(file), file.user, file.group, aligned, show_time(file.last_modified, absolute), file.name});
  }
  return table.text();
}

Result<int> ls(Context& context, const Arguments& arguments) {
  const auto where = split_pattern(arguments.positional(0));
  if (!where) return std::unexpected(where.error());
  const auto files = context.client().list_files(where->first, where->second, arguments.given("d"));
  if (!files) return std::unexpected(files.error());
  Value::List items;
  for (const FileInfo& file : *files) items.push_back(to_value(file));
  if (context.print_formatted(arguments, Value::Fields{{"files", std::move(items)}})) return 0;
  if (arguments.given("l")) {
    context.print(long_listing(*files, arguments.given("abs-time")));
    return 0;
  }
  std::string names;
  for (const FileInfo& file : *files) names += file.name + "\n";
  context.print(names);
  return 0;
}

Result<int> mkdir(Context& context, const Arguments& arguments) {
  auto permissions = permissions_for_server(arguments.text("m"));
  if (!permissions) return std::unexpected(permissions.error());
  const auto made = context.client().make_directory(
      {arguments.positional(0), arguments.given("p"), std::move(*permissions), owner_of(arguments)});
  if (!made) return std::unexpected(made.error());
  return 0;
}

Result<int> rm(Context& context, const Arguments& arguments) {
  const auto removed = context.client().remove_path(arguments.positional(0), arguments.given("r"));
  if (!removed) return std::unexpected(removed.error());
  return 0;
}

}  // namespace

const Command ls_command{
    .name = "ls",
    .summary = "List files of the server",
    .description =
        "The ls command lists a file or what is in a directory of the server's system. The last element of the path may be a "
        "pattern with *, ? "
        "and [].",
    .category = Category::files,
    .options = ls_options,
    .positionals = path_positionals,
    .run = ls,
};

const Command mkdir_command{
    .name = "mkdir",
    .summary = "Make a directory on the server",
    .description = "The mkdir command makes a directory in the server's system.",
    .category = Category::files,
    .options = mkdir_options,
    .positionals = path_positionals,
    .run = mkdir,
};

const Command rm_command{
    .name = "rm",
    .summary = "Remove a file or directory of the server",
    .description = "The rm command removes a file or an empty directory of the server's system, or with -r a whole directory.",
    .category = Category::files,
    .options = rm_options,
    .positionals = path_positionals,
    .run = rm,
};

}  // namespace cobble::client
