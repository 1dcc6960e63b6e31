#pragma once

#include <optional>

#include "daemon/api/http.h"

namespace cobble::api {

/// Waits for `wait`, but only as long as the client is there: none when it hung up or the daemon ends. `wait` is cancelled then.
Task<std::optional<bool>> until_gone(Request& request, Task<bool> wait);

/// The deadline of a `timeout` parameter from now on; one that lies beyond the clock's range is the clock's end.
base::SteadyTime deadline_after(base::Nanoseconds timeout);

}  // namespace cobble::api
