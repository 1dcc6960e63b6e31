#include "daemon/access/decision.h"

#include <array>
#include <utility>

namespace cobble::access {

namespace {

constexpr std::array level_words{
    std::pair{Level::admin, std::string_view("admin")}, std::pair{Level::read, std::string_view("read")},
    std::pair{Level::metrics, std::string_view("metrics")}, std::pair{Level::untrusted, std::string_view("untrusted")}};

}  // namespace

bool allowed(Access access, Transport transport, Level level, bool pairing_open) {
  if (access == Access::open) return true;
  if (access == Access::pairing) return transport == Transport::https && pairing_open;
  // Without encryption only the credentials that are good for nothing else may be used.
  if (transport == Transport::http) return access == Access::metrics && level == Level::metrics;
  switch (access) {
    case Access::metrics:
      return level >= Level::metrics;
    case Access::user:
      return level >= Level::read;
    case Access::admin:
    case Access::open:
    case Access::pairing:
      break;
  }
  return level == Level::admin;
}

Level default_level(std::uint32_t uid, std::uint32_t daemon_uid) {
  return uid == 0 || uid == daemon_uid ? Level::admin : Level::read;
}

std::string_view level_word(Level level) {
  for (const auto& [value, word] : level_words) {
    if (value == level) return word;
  }
  return {};
}

std::optional<Level> level_from_word(std::string_view word) {
  for (const auto& [value, known] : level_words) {
    if (known == word) return value;
  }
  return std::nullopt;
}

}  // namespace cobble::access
