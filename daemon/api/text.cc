#include "daemon/api/text.h"

#include <vector>

namespace cobble::api {

std::string percent_encode_path(std::string_view path) {
  static constexpr std::string_view plain = "-_.~$&+,/:;=@";
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (alphanumeric || plain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += hex[static_cast<unsigned char>(c) >> 4];
      out += hex[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

std::string clean_path(std::string_view path) {
  const bool unclean = path.find("//") != std::string_view::npos || path.find("/./") != std::string_view::npos ||
                       path.find("/../") != std::string_view::npos || path.ends_with("/.") || path.ends_with("/..");
  if (!unclean) return std::string(path);
  std::vector<std::string_view> segments;
  for (std::size_t at = 0; at < path.size();) {
    std::size_t end = path.find('/', at);
    if (end == std::string_view::npos) end = path.size();
    const std::string_view segment = path.substr(at, end - at);
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
    at = end + 1;
  }
  std::string out;
  for (const std::string_view segment : segments) out.append("/").append(segment);
  if (out.empty() || path.ends_with('/')) out += '/';
  return out;
}

}  // namespace cobble::api
