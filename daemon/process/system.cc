#include "daemon/process/system.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace cobble::process {

namespace {

System* replaced = nullptr;

}  // namespace

pid_t System::clone(int (*function)(void*), void* stack_top, int flags, void* argument) {
  return ::clone(function, stack_top, flags, argument);
}

int System::open(const char* path, int flags) {
  return ::open(path, flags);
}

int System::pipe(int ends[2], int flags) {
  return ::pipe2(ends, flags);
}

System& system() {
  static System kernel;
  return replaced != nullptr ? *replaced : kernel;
}

void replace_system(System* replacement) {
  replaced = replacement;
}

}  // namespace cobble::process
