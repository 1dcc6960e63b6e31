#include "daemon/files/path.h"

#include <cerrno>
#include <vector>

#include "layers/quote.h"

namespace cobble::files {

std::string clean_path(std::string_view path) {
  const bool absolute = path.starts_with('/');
  std::vector<std::string_view> elements;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view element = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (element.empty() || element == ".") continue;
    if (element != "..") {
      elements.push_back(element);
    } else if (!elements.empty() && elements.back() != "..") {
      elements.pop_back();
    } else if (!absolute) {
      elements.push_back(element);
    }
  }
  std::string clean = absolute ? "/" : "";
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (i > 0) clean += '/';
    clean += elements[i];
  }
  return clean.empty() ? "." : clean;
}

std::string directory_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return clean_path(slash == std::string_view::npos ? std::string_view() : path.substr(0, slash + 1));
}

std::string base_name(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos || path.size() == 1) return std::string(path);
  return std::string(path.substr(slash + 1));
}

base::Error bare_os_error(int error) {
  const bool denied = error == EACCES || error == EPERM;
  const int status = error == ENOENT ? 404 : denied ? 403 : 400;
  const std::string_view kind = error == ENOENT ? kind_not_found : denied ? kind_permission_denied : kind_generic;
  return {status, base::errno_text(error), std::string(kind)};
}

base::Error os_error(std::string_view operation, std::string_view path, int error) {
  base::Error result = bare_os_error(error);
  std::string message(operation);
  message.append(" ").append(path).append(": ").append(result.message);
  result.message = std::move(message);
  return result;
}

base::Error generic_error(std::string message) {
  return {400, std::move(message), std::string(kind_generic)};
}

base::Error not_absolute(std::string_view path) {
  return generic_error("paths must be absolute, got " + layers::quote(path));
}

}  // namespace cobble::files
