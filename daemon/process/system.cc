#include "daemon/process/system.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
// The sanitizer's own clone takes every child for a fork, and gives up; this name of the same function goes past it.
extern "C" int __clone(int (*entry)(void*), void* stack_top, int flags, void* argument, ...);  // NOLINT(*-reserved-identifier)
#define COBBLE_CLONE ::__clone
#endif
#endif
#ifndef COBBLE_CLONE
#define COBBLE_CLONE ::clone
#endif

namespace cobble::process {

namespace {

System kernel;
System* current = &kernel;

#ifdef SYS_close_range
constexpr long close_range_number = SYS_close_range;
#else
constexpr long close_range_number = 436;  // the same on every architecture
#endif

}  // namespace

pid_t System::clone_vfork(int (*entry)(void*), void* stack_top, void* argument) {
  return COBBLE_CLONE(entry, stack_top, CLONE_VM | CLONE_VFORK | SIGCHLD, argument);
}

base::Pipe System::pipe() {
  return base::make_pipe();
}

int System::open_null() {
  return ::open("/dev/null", O_RDWR | O_CLOEXEC);
}

int System::memory_file() {
  return ::memfd_create("null", MFD_CLOEXEC);
}

int System::close_range(unsigned first) {
  return static_cast<int>(::syscall(close_range_number, first, ~0U, 0U));
}

int System::wait_id(idtype_t type, id_t id, siginfo_t* info, int options) {
  return ::waitid(type, id, info, options);
}

int System::kill(pid_t pid, int signal) {
  return ::kill(pid, signal);
}

System& system_calls() {
  return *current;
}

ScopedSystem::ScopedSystem(System& replacement) : before_(current) {
  current = &replacement;
}

ScopedSystem::~ScopedSystem() {
  current = before_;
}

}  // namespace cobble::process
