#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "layers/accounts.h"
#include "layers/plan.h"

namespace cobble::layers {

struct ParsedLayer {
  Layer layer;
  std::vector<std::string> warnings;  ///< for the log: deprecated service names
};

/// Reads one layer and checks it by itself (contract 01, sections 2.1 to 2.3). Pure but for `accounts`. The error is the
/// reference's text, without the `cannot parse layer YAML: ` of the API.
std::expected<ParsedLayer, std::string> parse_layer(std::string_view label, std::string_view text, const Accounts& accounts);

/// Something wrong with a layer, and where.
struct Fault {
  int line = 0;    ///< from 1; 0: of the whole file
  int column = 0;  ///< from 1; 0: of the whole line
  std::string text;
};

/// All that is wrong with a layer by itself, by place: what does not fit the format, and the first fault of each entry; nothing
/// exactly where parse_layer succeeds.
std::vector<Fault> find_faults(std::string_view label, std::string_view text, const Accounts& accounts);

}  // namespace cobble::layers
