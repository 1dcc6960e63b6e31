#pragma once

#include <expected>
#include <string>
#include <vector>

#include "layers/accounts.h"
#include "layers/plan_store.h"

namespace cobble::layers {

/// A layers directory as it was read: the layers in their order, and texts for the log (deprecated names).
struct DirectoryLayers {
  std::vector<LayerPtr> layers;
  std::vector<std::string> warnings;
};

/// Reads a layers directory (contract 01, section 2.7). A missing one is empty. The error is the text after `cannot load plan: `.
std::expected<DirectoryLayers, std::string> read_layers_directory(const std::string& path, const Accounts& accounts);

}  // namespace cobble::layers
