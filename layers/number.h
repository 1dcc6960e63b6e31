#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace cobble::layers {

/// The shortest text that reads back equal, with an exponent where %g would have one from 21 digits on: `0.5`, `-1`, `1e-07`. For
/// messages.
std::string format_float(double value);
/// The same for the plan: an exponent from 1000000 up, `.inf`, `.nan`.
std::string format_yaml_float(double value);
/// Reads a decimal, exponent or hexadecimal float, `inf`, `nan`, with `_` between digits (contract 01, section 2.1). The error is
/// `invalid floating-point number "foo"`.
std::expected<double, std::string> parse_float(std::string_view text);

}  // namespace cobble::layers
