#pragma once

#include "daemon/base/loop.h"
#include "daemon/state/notice_book.h"

namespace cobble::state {

/// Waits until a notice that matches is new or repeats: true; false at the deadline or when the wait is cancelled.
base::Task<bool> wait_for_notice(base::IoContext& loop, NoticeBook& notices, NoticeFilter filter, base::SteadyTime deadline);

}  // namespace cobble::state
