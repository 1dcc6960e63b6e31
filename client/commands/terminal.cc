#include "client/commands/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <string_view>

namespace cobble::client {

bool is_terminal(int fd) {
  return isatty(fd) == 1;
}

std::optional<TerminalSize> terminal_size(int fd) {
  winsize size{};
  if (!is_terminal(fd) || ioctl(fd, TIOCGWINSZ, &size) != 0) return std::nullopt;
  return TerminalSize{size.ws_col, size.ws_row};
}

std::size_t columns_of(int fd) {
  const auto size = terminal_size(fd);
  return size && size->columns > 0 ? static_cast<std::size_t>(size->columns) : 80;
}

std::size_t message_columns() {
  int columns = 0;
  if (const auto size = terminal_size(STDOUT_FILENO)) {
    columns = size->columns;
  } else if (const char* variable = std::getenv("COLUMNS")) {
    const std::string_view text = variable;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), columns);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) columns = 0;
  }
  if (columns < 40) return 80;
  return columns > 100 ? 100 : static_cast<std::size_t>(columns);
}

RawMode::RawMode(int fd) : fd_(fd) {
  termios mode{};
  if (tcgetattr(fd, &mode) != 0) return;
  before_ = mode;
  cfmakeraw(&mode);
  tcsetattr(fd, TCSANOW, &mode);
}

RawMode::~RawMode() {
  if (before_) tcsetattr(fd_, TCSANOW, &*before_);
}

}  // namespace cobble::client
