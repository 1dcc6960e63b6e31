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

}  // namespace cobble::layers
