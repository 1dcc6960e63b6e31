#pragma once

#include <span>

#include "daemon/api/http.h"

namespace cobble::api {

/// The whole API: every path, method, access level and body limit (contract 03, section 2.1).
std::span<const Route> routes();

}  // namespace cobble::api
