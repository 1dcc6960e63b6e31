#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "client/api/connection.h"
#include "client/commands/context.h"
#include "client/commands/owner_options.h"
#include "client/commands/table_of_commands.h"

namespace cobble::client {
namespace {

constexpr Option push_options[] = {parents_option, mode_option, uid_option, user_option, gid_option, group_option};
constexpr Positional push_positionals[] = {{.name = "<local-path>", .refers_to = Refers::files},
                                           {.name = "<remote-path>", .refers_to = Refers::files}};
constexpr Positional pull_positionals[] = {{.name = "<remote-path>", .refers_to = Refers::files},
                                           {.name = "<local-path>", .refers_to = Refers::files}};

std::unexpected<Error> cannot_open(const std::string& path) {
  return fail("open " + path + ": " + system_error_text(errno));
}

Result<int> push(Context& context, const Arguments& arguments) {
  const std::string local = arguments.positional(0);
  const FileDescriptor source(open(local.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source) return cannot_open(local);
  struct stat info{};
  if (fstat(source.get(), &info) != 0) return fail("stat " + local + ": " + system_error_text(errno));
  auto permissions = permissions_for_server(arguments.text("m"));
  if (!permissions) return std::unexpected(permissions.error());
  const unsigned local_bits = info.st_mode & 0777U;
  if (arguments.text("m").empty() && local_bits != 0) permissions = octal_permissions(local_bits);
  const auto pushed = context.client().push({arguments.positional(1), arguments.given("p"), *permissions, owner_of(arguments)},
                                            source.get(), local);
  if (!pushed) return std::unexpected(pushed.error());
  return 0;
}

/// Where pull writes: beside an existing regular file until all of it has come, so that a failing pull leaves the old one; into
/// anything else (a device, a pipe) at once. What was newly made is removed unless it is kept.
class PulledFile {
 public:
  static Result<PulledFile> open_at(const std::string& path) {
    struct stat info{};
    if (stat(path.c_str(), &info) == 0) {
      if (!S_ISREG(info.st_mode)) return make(path, path, O_WRONLY | O_TRUNC, false);
      auto beside = make(path, path + ".part" + std::to_string(getpid()), O_WRONLY | O_CREAT | O_TRUNC, true);
      if (beside) static_cast<void>(fchmod(beside->file_.get(), info.st_mode & 07777U));
      return beside;
    }
    return make(path, path, O_WRONLY | O_CREAT | O_TRUNC, true);
  }

  PulledFile(PulledFile&& other) noexcept = default;
  PulledFile& operator=(PulledFile&&) = delete;
  PulledFile(const PulledFile&) = delete;
  PulledFile& operator=(const PulledFile&) = delete;
  ~PulledFile() {
    if (file_ && made_) unlink(written_.c_str());
  }

  /// An empty text, or what went wrong.
  std::string write(std::string_view piece) {
    if (write_all(file_.get(), piece)) return {};
    return "write " + path_ + ": " + system_error_text(errno);
  }

  /// Puts the file in its place.
  Result<void> keep() {
    if (written_ != path_ && rename(written_.c_str(), path_.c_str()) != 0)
      return fail("rename " + path_ + ": " + system_error_text(errno));
    file_.reset();
    return {};
  }

 private:
  PulledFile(std::string path, std::string written, FileDescriptor file, bool made)
      : path_(std::move(path)), written_(std::move(written)), file_(std::move(file)), made_(made) {}

  static Result<PulledFile> make(const std::string& path, const std::string& written, int flags, bool made) {
    FileDescriptor file(open(written.c_str(), flags | O_CLOEXEC, 0666));
    if (!file) return cannot_open(path);
    return PulledFile(path, written, std::move(file), made);
  }

  std::string path_;
  std::string written_;
  FileDescriptor file_;
  bool made_;
};

Result<int> pull(Context& context, const Arguments& arguments) {
  auto file = PulledFile::open_at(arguments.positional(1));
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
        "of a directory. Without -m it gets the local file's permissions.",
    .category = Category::files,
    .options = push_options,
    .positionals = push_positionals,
    .run = push,
};

const Command pull_command{
    .name = "pull",
    .summary = "Copy a file from the server",
    .description = "The pull command writes the content of a file of the server's system to a local file.",
    .category = Category::files,
    .positionals = pull_positionals,
    .run = pull,
};

}  // namespace cobble::client
