#pragma once

#include <optional>
#include <string>

#include "client/api/time.h"

namespace cobble::client {

/// A time for people: `today at 15:04 MST`, `5 days ago, at 15:04 UTC`, from 61 days on `2006-01-02`; with `absolute` in full
/// seconds and the server's zone; `-` if there is none (contract 10, section 2.10).
std::string show_time(const std::optional<Time>& time, bool absolute);

/// The same for a given present, in seconds since 1970.
std::string show_time_at(const Time& time, std::int64_t now);

}  // namespace cobble::client
