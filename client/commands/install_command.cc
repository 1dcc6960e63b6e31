#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "client/commands/context.h"
#include "client/commands/replaced_file.h"
#include "client/commands/table_of_commands.h"

namespace cobble::client {
namespace {

constexpr Positional install_positionals[] = {{.name = "<path>"}};
constexpr const char* this_executable = "/proc/self/exe";

Result<int> install(Context&, const Arguments& arguments) {
  std::string path = arguments.positional(0);
  struct stat info{};
  if (stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) path += "/pebble";
  const FileDescriptor source(open(this_executable, O_RDONLY | O_CLOEXEC));
  if (!source) return fail(std::string("open ") + this_executable + ": " + system_error_text(errno));
  auto file = ReplacedFile::open_at(path);
  if (!file) return std::unexpected(file.error());
  std::array<char, 65536> piece{};
  for (;;) {
    const ssize_t count = read(source.get(), piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(std::string("read ") + this_executable + ": " + system_error_text(errno));
    if (count == 0) break;
    if (const std::string wrong = file->write({piece.data(), static_cast<std::size_t>(count)}); !wrong.empty())
      return fail(wrong);
  }
  if (auto moded = file->set_mode(0755); !moded) return std::unexpected(moded.error());
  if (auto kept = file->keep(); !kept) return std::unexpected(kept.error());
  return 0;
}

}  // namespace

const Command install_command{
    .name = "install",
    .summary = "Copy this executable to another place",
    .description =
        "The install command copies this executable to a path, or into a directory as pebble, with permissions to run it. "
        "It serves init "
        "containers: an image that holds nothing but Pebble can bring it into a volume, where containers of any image run it.",
    .category = Category::more,
    .positionals = install_positionals,
    .run = install,
};

}  // namespace cobble::client
