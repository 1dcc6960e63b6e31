#pragma once

#include <expected>
#include <string>
#include <vector>

#include "layers/accounts.h"
#include "layers/plan_store.h"

namespace cobble::layers {

/// A layers directory as it was read: the layers in their order, texts for the log (deprecated names), and what is wrong.
struct DirectoryLayers {
  std::vector<LayerPtr> layers;
  std::vector<std::string> warnings;
  std::vector<std::string> problems;  ///< each is a text after `cannot load plan: `
};

/// Reads a layers directory (contract 01, section 2.7). A missing one is empty. The error is the text after `cannot load plan: `.
std::expected<DirectoryLayers, std::string> read_layers_directory(const std::string& path, const Accounts& accounts);
/// The same for people who want to hear of every problem: goes on after one, leaving out what is wrong.
DirectoryLayers examine_layers_directory(const std::string& path, const Accounts& accounts);

/// The paths of a directory's layers in their order, and all that is wrong with its names.
struct LayerPaths {
  std::vector<std::string> paths;
  std::vector<std::string> problems;  ///< each is a text after `cannot load plan: `
};

/// Lists a layers directory. No file of it is read.
LayerPaths layer_paths(const std::string& path);

}  // namespace cobble::layers
