#pragma once

#include <cstdint>
#include <string>

#include "client/api/types.h"

/// Sizes and durations in few characters (contract 10, section 2.10).
namespace cobble::client {

/// `5000B`, `5.00kB`, `12.9GB`: at most four characters and `B`, not padded.
std::string show_size(std::int64_t bytes);

/// `3.0ns`, ` 36µs`, `5.16s`, `1m02s`, `2h29m`, `14.9d`, `5.86y`: five columns, or four where that is enough.
std::string show_short_duration(Nanoseconds duration);

/// A number with a metric unit in five columns and `suffix`: ` 491B/s`.
std::string show_rate(double bytes_a_second);

}  // namespace cobble::client
