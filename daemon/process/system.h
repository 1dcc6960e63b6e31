#pragma once

#include <sys/types.h>

namespace cobble::process {

/// The system calls that may fail for want of something (processes, descriptors, memory), so that tests can make them fail. The
/// defaults are the kernel's.
class System {
 public:
  virtual ~System() = default;
  /// clone(2) as the C library wraps it; -1 and errno on failure.
  virtual pid_t clone(int (*function)(void*), void* stack_top, int flags, void* argument);
  /// open(2) without O_CREAT.
  virtual int open(const char* path, int flags);
  /// pipe2(2).
  virtual int pipe(int ends[2], int flags);
};

/// The one in use.
System& system();
/// Puts another in its place for a test; null brings the kernel's back.
void replace_system(System* replacement);

}  // namespace cobble::process
