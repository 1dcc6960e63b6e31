#include "daemon/process/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

#include "daemon/base/error.h"

namespace cobble::process {

namespace {

/// The slave by way of its master, so that it needs no /dev/pts in sight; kernels before 4.13 and some sandboxes want the path.
base::UniqueFd open_slave(int master) {
  constexpr int flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
#ifdef TIOCGPTPEER
  base::UniqueFd slave(::ioctl(master, TIOCGPTPEER, flags));
  if (slave) return slave;
#endif
  unsigned number = 0;
  if (::ioctl(master, TIOCGPTN, &number) != 0) return {};
  return base::UniqueFd(::open(("/dev/pts/" + std::to_string(number)).c_str(), flags));
}

}  // namespace

bool resize_terminal(int master, std::uint16_t columns, std::uint16_t rows) {
  winsize size{};
  size.ws_col = columns;
  size.ws_row = rows;
  return ::ioctl(master, TIOCSWINSZ, &size) == 0;
}

std::expected<Terminal, std::string> open_terminal(std::uint16_t columns, std::uint16_t rows, std::optional<uid_t> uid,
                                                   std::optional<gid_t> gid) {
  const auto failed = [](std::string_view step) {
    return std::unexpected("cannot open terminal: " + std::string(step) + ": " + base::errno_text(errno));
  };
  Terminal terminal;
  for (const char* path : {"/dev/ptmx", "/dev/pts/ptmx"}) {
    if (!terminal.master) terminal.master.reset(::open(path, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  }
  if (!terminal.master) return failed("open /dev/ptmx");
  int locked = 0;
  if (::ioctl(terminal.master.get(), TIOCSPTLCK, &locked) != 0) return failed("unlock");
  terminal.slave = open_slave(terminal.master.get());
  if (!terminal.slave) return failed("open slave");
  termios settings{};
  if (::tcgetattr(terminal.slave.get(), &settings) != 0) return failed("get attributes");
  settings.c_cflag |= CLOCAL | HUPCL;
  settings.c_iflag |= IUTF8;
  if (::tcsetattr(terminal.slave.get(), TCSANOW, &settings) != 0) return failed("set attributes");
  if (!resize_terminal(terminal.master.get(), columns, rows)) return failed("set size");
  // Who may not give it away may not start the process for that user either, and that says it better.
  if (uid && gid && ::fchown(terminal.slave.get(), *uid, *gid) != 0 && errno != EPERM) return failed("set owner");
  return terminal;
}

}  // namespace cobble::process
