#pragma once

#include <sys/resource.h>

namespace cobble::process {

/// Raises our soft limit of open files to the hard one and notes what children shall get back (contract 02, section 3.8). Once,
/// first thing in the daemon.
void raise_limits();
/// The soft limit of open files that children get.
rlim_t child_files_limit();

}  // namespace cobble::process
