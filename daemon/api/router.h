#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/api/http.h"

namespace cobble::api {

/// What the table of routes says of a request.
struct Match {
  const Route* route = nullptr;  ///< null: no such path, or no such method on it
  bool path_known = false;
};

/// Finds the row for a method and a decoded path; `params` gets what `{…}` matched.
Match find_route(std::span<const Route> routes, std::string_view method, std::string_view path, std::vector<std::string>& params);

}  // namespace cobble::api
