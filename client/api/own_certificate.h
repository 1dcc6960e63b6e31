#pragma once

#include <string>

#include "client/api/error.h"

namespace cobble::client {

/// Makes an Ed25519 key and a certificate that signs itself, valid for ten years, and writes both as PEM files with mode 0600;
/// one and the same path: both into it. Files that are there are not overwritten. Error: `open F: file exists` …
Result<void> make_own_certificate(const std::string& cert_file, const std::string& key_file);

}  // namespace cobble::client
