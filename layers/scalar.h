#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "layers/yaml_tree.h"

/// What a YAML scalar stands for (contract 01, section 2.1).
namespace cobble::layers {

enum class ScalarType { null, boolean, integer, real, string, timestamp, binary };

struct Scalar {
  ScalarType type = ScalarType::string;
  std::int64_t integer = 0;  ///< of an integer
  double real = 0;           ///< of a real number, and of an integer too
  bool fits = true;          ///< an integer that fits 64 signed bits
};

/// The type and value of a plain scalar's text.
Scalar resolve_plain(std::string_view text);

/// The same with the node's quotes and tag taken into account.
Scalar resolve(const YamlNode& node);

/// `!!str`, `!!int` …, as messages name a node's type.
std::string_view short_tag(const YamlNode& node);

/// Whether a YAML 1.1 or 1.2 reader takes the plain text for a string: not for a number, a boolean, null, a date, or a base-60
/// number.
bool reads_as_string(std::string_view text);

}  // namespace cobble::layers
