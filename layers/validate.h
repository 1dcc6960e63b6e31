#pragma once

#include <expected>
#include <string>
#include <vector>

#include "layers/accounts.h"
#include "layers/plan.h"

namespace cobble::layers {

/// Names of entries whose value was null, which the layer's maps can't hold.
struct NullEntries {
  std::vector<std::string> services;
  std::vector<std::string> checks;
  std::vector<std::string> log_targets;
  std::vector<std::string> workloads;
};

/// What must hold for a layer by itself (contract 01, section 2.3, "Single-layer checks"), in that order; the first fault is the
/// error.
std::expected<void, std::string> validate_layer(const Layer& layer, const NullEntries& nulls, const Accounts& accounts);

}  // namespace cobble::layers
