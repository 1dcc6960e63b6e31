#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "layers/plan.h"

namespace cobble::layers {

/// Reads a duration such as `1h30m`, `.5s`, `-1ms` or `0` (contract 03 section 2.9). What is finer than a nanosecond is cut off.
/// The error is the reference's text: `time: invalid duration "abc"`, `time: missing unit in duration "1"`, `time: unknown unit
/// "d" in duration "1d"`.
std::expected<Nanoseconds, std::string> parse_duration(std::string_view text);

/// `0s`, `500µs`, `1.5s`, `1m0s`, `24h0m0s` (contract 03 section 2.9).
std::string format_duration(Nanoseconds duration);

}  // namespace cobble::layers
