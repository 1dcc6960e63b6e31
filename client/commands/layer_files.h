#pragma once

#include <string>

#include "client/api/error.h"
#include "layers/accounts.h"
#include "layers/directory.h"

namespace cobble::client {

/// The layers of a file, labelled after it, or of a directory of layers. Errors begin with the path.
Result<layers::DirectoryLayers> read_layers(const std::string& path, const layers::Accounts& accounts);

}  // namespace cobble::client
