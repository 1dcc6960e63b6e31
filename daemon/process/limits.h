#pragma once

#include <sys/resource.h>

#include <optional>

namespace cobble::process {

/// Notes what children shall get back (the soft limit of open files, an ignored SIGHUP) and raises our own soft limit to the hard
/// one. Once, first thing in the daemon.
void raise_limits();
/// The limit before that; none when it wasn't raised.
std::optional<rlimit> files_limit_at_start();
/// Whether the daemon was started with SIGHUP ignored (nohup).
bool sighup_ignored_at_start();

}  // namespace cobble::process
