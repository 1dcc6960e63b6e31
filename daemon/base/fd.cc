#include "daemon/base/fd.h"

#include <fcntl.h>

namespace cobble::base {

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {};
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

}  // namespace cobble::base
