#pragma once

#include "daemon/base/fd.h"

/// Descriptors that spawning needs, also when the daemon has run out of them.
namespace cobble::process {

/// A descriptor that reads as empty and swallows what is written, shared by all children: /dev/null, or what comes closest in
/// images without it (reading: a pipe whose other end is closed; writing: a file in memory). -1 with errno when there is none to
/// be had.
int null_input();
int null_output();

/// Fills the reserve of `make_output_pipe`: once at the start, before clients can take the descriptors.
void reserve_descriptors();

/// A pipe for a child's output. Draws on descriptors kept in reserve when the limit has been reached, so that services can still
/// be restarted; empty ends with errno when those are used up too. The reserve fills up again by itself at later calls.
base::Pipe make_output_pipe();

}  // namespace cobble::process
