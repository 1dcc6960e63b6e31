#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/fd.h"

namespace cobble::process {

/// What a new process gets (contract 02, sections 3.6 to 3.8). Everything from descriptor 3 up is closed in it, its signal mask
/// is empty, its dispositions are defaults (SIGHUP stays ignored if the daemon was started so), its soft RLIMIT_NOFILE is the one
/// the daemon was started with.
struct SpawnRequest {
  std::vector<std::string> argv{};         ///< argv[0] is looked up as contract 02 2.6 says
  std::vector<std::string> environment{};  ///< `NAME=value`; the whole environment
  std::string working_dir{};               ///< empty: the daemon's
  std::optional<uid_t> uid{};              ///< with gid: switch (supplementary groups are cleared); none: no switch at all
  std::optional<gid_t> gid{};
  int stdin_fd = -1;                  ///< -1: /dev/null
  int stdout_fd = -1;                 ///< -1: /dev/null
  int stderr_fd = -1;                 ///< -1: /dev/null; may equal stdout_fd
  bool new_session = false;           ///< setsid instead of a new process group
  bool controlling_terminal = false;  ///< stdin becomes the controlling terminal (needs new_session)
  bool dies_with_daemon = false;      ///< SIGKILL when the daemon has ended, in whatever way
};

/// Starts a process by clone(CLONE_VM|CLONE_VFORK); it leads its own group. The error is the reference's text: `fork/exec /x: no
/// such file or directory`, `exec: "x": executable file not found in $PATH` …, without the `cannot start service: ` before it. On
/// the loop's thread only; returns when the child has called exec, which takes about a millisecond.
std::expected<pid_t, std::string> spawn(const SpawnRequest& request);

/// The daemon's own environment as `NAME=value`, taken once at the first call.
const std::vector<std::string>& daemon_environment();
/// Lays variables over an environment; later wins per name; order of first appearance is kept.
std::vector<std::string> overlay(std::vector<std::string> environment, const std::map<std::string, std::string>& variables);

/// Closes every descriptor but stdin, stdout and stderr: what the daemon's parent left open by mistake would stay open for as
/// long as the daemon runs. Once, first thing in the daemon.
void close_inherited_descriptors();

}  // namespace cobble::process
