#pragma once

#include <string>
#include <string_view>

#include "layers/plan.h"

/// The plan's YAML, byte for byte as the reference writes it (contract 01, section 3.4).
namespace cobble::layers {

std::string to_yaml(const Plan& plan);

/// Number-aware order of map keys.
bool yaml_key_less(std::string_view a, std::string_view b);

/// How a string is written as a scalar that fits on a line: plain, or in single or double quotes.
std::string yaml_scalar(std::string_view text);

/// A string as the value behind a key or a dash, with the blank before it and the line end: on the line, or as a literal block
/// whose lines stand `block_indent` in.
std::string yaml_value(std::string_view text, int block_indent);

}  // namespace cobble::layers
