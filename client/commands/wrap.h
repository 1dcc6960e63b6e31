#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// Text broken into lines. Pure; widths count code points.
namespace cobble::client {

/// Breaks at blanks, each line as full as it can be; lines that are there stay, without their leading blanks. A word that is too
/// long stands alone.
std::vector<std::string> wrap_greedily(std::string_view text, std::size_t width);

/// An error message laid out below `error: `: paragraphs of even raggedness, lists, and indented blocks as they are (contract 10,
/// section 2.8). `columns` is the width of the whole line; continuation lines are indented by 7.
std::string reflow(std::string_view message, std::size_t columns);

/// A warning's message: two blanks in, each line with its own indentation, at most `columns` wide (contract 10, section 2.13).
/// Ends with a line end.
std::string wrap_warning(std::string_view message, std::size_t columns);

}  // namespace cobble::client
