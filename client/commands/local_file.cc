#include "client/commands/local_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "client/api/descriptor.h"
#include "client/api/error.h"

namespace cobble::client {

namespace {
constexpr std::size_t size_limit = 64 << 20;
}

std::expected<std::string, FileTrouble> read_local_file(const std::string& path) {
  const auto trouble = [&](const char* what, int number) {
    return std::unexpected(FileTrouble{number, std::string(what) + " " + path + ": " + system_error_text(number)});
  };
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return trouble("open", errno);
  std::string text;
  char buffer[65536];
  for (;;) {
    const ssize_t count = read(file.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return trouble("read", errno);
    if (count == 0) return text;
    text.append(buffer, static_cast<std::size_t>(count));
    if (text.size() > size_limit) return trouble("read", EFBIG);
  }
}

}  // namespace cobble::client
