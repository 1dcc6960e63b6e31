#pragma once

#include <termios.h>

#include <cstddef>
#include <optional>

namespace cobble::client {

/// The size of a terminal in characters.
struct TerminalSize {
  int columns = 0;
  int rows = 0;
};

bool is_terminal(int fd);
/// The size of the terminal `fd` is; nullopt if it is none.
std::optional<TerminalSize> terminal_size(int fd);
/// The columns of the terminal on `fd`; 80 if it is none or does not know.
std::size_t columns_of(int fd);
/// The width for error messages and warnings: of stdout, else of `$COLUMNS`, else 80; from 40 to 100 (contract 10, section 2.8).
std::size_t message_columns();

/// Passes every key of a terminal on as it is, for as long as it lives.
class RawMode {
 public:
  explicit RawMode(int fd);
  RawMode(const RawMode&) = delete;
  RawMode& operator=(const RawMode&) = delete;
  ~RawMode();

 private:
  int fd_;
  std::optional<termios> before_;
};

}  // namespace cobble::client
