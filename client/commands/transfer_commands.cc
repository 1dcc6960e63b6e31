#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "client/api/connection.h"
#include "client/commands/context.h"
#include "client/commands/owner_options.h"
#include "client/commands/replaced_file.h"
#include "client/commands/table_of_commands.h"

namespace cobble::client {
namespace {

constexpr Option push_options[] = {parents_option, mode_option, uid_option, user_option, gid_option, group_option};
constexpr Positional push_positionals[] = {{.name = "<local-path>", .refers_to = Refers::files},
                                           {.name = "<remote-path>", .refers_to = Refers::files}};
constexpr Positional pull_positionals[] = {{.name = "<remote-path>", .refers_to = Refers::files},
                                           {.name = "<local-path>", .refers_to = Refers::files}};

Result<int> push(Context& context, const Arguments& arguments) {
  const std::string local = arguments.positional(0);
  const bool from_stdin = local == "-";
  const FileDescriptor source(from_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(local.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source) return fail("open " + local + ": " + system_error_text(errno));
  struct stat info{};
  if (fstat(source.get(), &info) != 0) return fail("stat " + local + ": " + system_error_text(errno));
  auto permissions = permissions_for_server(arguments.text("m"));
  if (!permissions) return std::unexpected(permissions.error());
  const unsigned local_bits = info.st_mode & 0777U;
  if (arguments.text("m").empty() && local_bits != 0 && !from_stdin) permissions = octal_permissions(local_bits);
  const auto pushed = context.client().push({arguments.positional(1), arguments.given("p"), *permissions, owner_of(arguments)},
                                            source.get(), local);
  if (!pushed) return std::unexpected(pushed.error());
  return 0;
}

Result<int> pull(Context& context, const Arguments& arguments) {
  const std::string local = arguments.positional(1);
  auto file = local == "-" ? ReplacedFile::onto(STDOUT_FILENO, local) : ReplacedFile::open_at(local);
  if (!file) return std::unexpected(file.error());
  const auto pulled = context.client().pull(arguments.positional(0), [&](std::string_view piece) { return file->write(piece); });
  if (!pulled) return std::unexpected(pulled.error());
  if (auto kept = file->keep(); !kept) return std::unexpected(kept.error());
  return 0;
}

}  // namespace

const Command push_command{
    .name = "push",
    .summary = "Copy a file to the server",
    .description =
        "The push command writes the content of a local file to a path of the server's system. The remote path is that of the "
        "file itself, not "
        "of a directory. Without -m it gets the local file's permissions. The local path - stands for stdin.",
    .category = Category::files,
    .options = push_options,
    .positionals = push_positionals,
    .run = push,
};

const Command pull_command{
    .name = "pull",
    .summary = "Copy a file from the server",
    .description =
        "The pull command writes the content of a file of the server's system to a local file. The local path - stands for "
        "stdout.",
    .category = Category::files,
    .positionals = pull_positionals,
    .run = pull,
};

}  // namespace cobble::client
