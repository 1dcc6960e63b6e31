#pragma once

#include <string>
#include <vector>

#include "client/api/error.h"
#include "layers/accounts.h"
#include "layers/directory.h"
#include "layers/parse.h"

namespace cobble::client {

/// The layers of a file, labelled after it, or of a directory of layers. Errors begin with the path.
Result<layers::DirectoryLayers> read_layers(const std::string& path, const layers::Accounts& accounts);

/// A fault of a layer with the file it is in.
struct FileFault {
  std::string file;
  layers::Fault fault;
};

/// All faults of the layers of a file, or of a directory of layers, each by itself.
std::vector<FileFault> find_faults(const std::string& path, const layers::Accounts& accounts);

}  // namespace cobble::client
