#pragma once

#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <cstddef>

#include "daemon/base/fd.h"

/// The one seam between this room and the kernel: every call that a test wants to see fail. Tests put a derived object in its
/// place with ScopedSystem; everything else uses `system_calls()`.
namespace cobble::process {

/// Each call does what the kernel's call of the same name does and sets errno as it does.
class System {
 public:
  virtual ~System() = default;

  /// clone(CLONE_VM|CLONE_VFORK|SIGCHLD): runs `entry(argument)` on the stack that ends at `stack_top`; returns in the parent
  /// when the child has called exec or has ended.
  virtual pid_t clone_vfork(int (*entry)(void*), void* stack_top, void* argument);
  virtual base::Pipe pipe();
  virtual int open_null();
  virtual int memory_file();
  /// Called in the child, too: closes every descriptor from `first` up; -1 with errno where the kernel doesn't have or allow the
  /// call.
  virtual int close_range(unsigned first);
  virtual int wait_id(idtype_t type, id_t id, siginfo_t* info, int options);
  virtual int kill(pid_t pid, int signal);
};

System& system_calls();

/// Puts `replacement` in the kernel's place for as long as it lives.
class ScopedSystem {
 public:
  explicit ScopedSystem(System& replacement);
  ~ScopedSystem();
  ScopedSystem(const ScopedSystem&) = delete;
  ScopedSystem& operator=(const ScopedSystem&) = delete;

 private:
  System* before_;
};

}  // namespace cobble::process
