#pragma once

#include "daemon/base/loop.h"

namespace cobble::base {

/// Runs `task` for at most `limit` (negative: it is cancelled at its first wait). True when it ended by itself, false when it was
/// cut short: its pending wait was cancelled and it has unwound. What it throws by itself is passed on; cancelling the caller
/// cancels it too.
Task<bool> within(Nanoseconds limit, Task<void> task);

}  // namespace cobble::base
