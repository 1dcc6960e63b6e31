#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "daemon/base/fd.h"

namespace cobble::process {

/// A pseudo-terminal: `master` is ours and non-blocking, `slave` is for the process.
struct Terminal {
  base::UniqueFd master;
  base::UniqueFd slave;
};

/// Makes one of the given size with the usual line discipline (contract 05, section 3.4), owned by `uid` and `gid` when given.
/// The error is the failing step and the system's text.
std::expected<Terminal, std::string> open_terminal(std::uint16_t columns, std::uint16_t rows, std::optional<uid_t> uid,
                                                   std::optional<gid_t> gid);

/// Sets the size; the kernel tells the foreground group by SIGWINCH. False with errno set.
bool resize_terminal(int master, std::uint16_t columns, std::uint16_t rows);

}  // namespace cobble::process
