#include "daemon/lifecycle/memory.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

// Set by the linker: the executable's first byte, and the end of its code. Between them lies what is mapped read-only.
extern "C" char __executable_start;  // NOLINT(bugprone-reserved-identifier)
extern "C" char etext;

namespace cobble::lifecycle {

void release_start_up_pages() {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(&__executable_start);
  const auto end = reinterpret_cast<std::uintptr_t>(&etext) / page * page;
  if (begin % page == 0 && begin < end) ::madvise(&__executable_start, end - begin, MADV_DONTNEED);
}

void return_large_blocks() {
  constexpr int mark = 1024 * 1024;
  ::mallopt(M_MMAP_THRESHOLD, mark);
  ::mallopt(M_TRIM_THRESHOLD, mark);
}

}  // namespace cobble::lifecycle
