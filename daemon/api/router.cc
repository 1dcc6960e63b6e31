#include "daemon/api/router.h"

namespace cobble::api {

namespace {

std::string_view next_segment(std::string_view& path) {
  const std::size_t slash = path.find('/');
  const std::string_view segment = path.substr(0, slash);
  path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  return segment;
}

bool matches(std::string_view pattern, std::string_view path, std::vector<std::string>& params) {
  if (pattern.find('{') == std::string_view::npos) return pattern == path;
  params.clear();
  while (!pattern.empty() && !path.empty()) {
    const bool more_follows = path.find('/') != std::string_view::npos;
    const bool more_wanted = pattern.find('/') != std::string_view::npos;
    if (more_follows != more_wanted) return false;
    const std::string_view wanted = next_segment(pattern);
    const std::string_view given = next_segment(path);
    if (wanted.starts_with('{')) {
      if (given.empty()) return false;
      params.emplace_back(given);
    } else if (wanted != given) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

}  // namespace

Match find_route(std::span<const Route> routes, std::string_view method, std::string_view path,
                 std::vector<std::string>& params) {
  Match match;
  std::vector<std::string> found;
  for (const Route& route : routes) {
    if (!matches(route.path, path, found)) continue;
    match.path_known = true;
    if (route.method != method) continue;
    match.route = &route;
    params = std::move(found);
    return match;
  }
  return match;
}

}  // namespace cobble::api
