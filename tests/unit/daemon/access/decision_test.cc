#include "daemon/access/decision.h"

#include <array>
#include <catch2/catch.hpp>

using namespace cobble::access;

namespace {

constexpr std::array levels{Level::none, Level::untrusted, Level::metrics, Level::read, Level::admin};

/// Lowest level that may pass; none: nobody may.
struct Row {
  Access access;
  Transport transport;
  std::optional<Level> lowest;
};

}  // namespace

TEST_CASE("the whole table of access, levels and transports") {
  using enum Transport;
  const std::array rows{
      Row{Access::open, unix_socket, Level::none},   Row{Access::open, http, Level::none},
      Row{Access::open, https, Level::none},         Row{Access::metrics, unix_socket, Level::metrics},
      Row{Access::metrics, https, Level::metrics},   Row{Access::user, unix_socket, Level::read},
      Row{Access::user, http, std::nullopt},         Row{Access::user, https, Level::read},
      Row{Access::admin, unix_socket, Level::admin}, Row{Access::admin, http, std::nullopt},
      Row{Access::admin, https, Level::admin},       Row{Access::pairing, unix_socket, std::nullopt},
      Row{Access::pairing, http, std::nullopt},
  };
  for (const Row& row : rows) {
    for (const Level level : levels) {
      for (const bool pairing_open : {false, true}) {
        CAPTURE(static_cast<int>(row.access), static_cast<int>(row.transport), static_cast<int>(level), pairing_open);
        CHECK(allowed(row.access, row.transport, level, pairing_open) == (row.lowest && level >= *row.lowest));
      }
    }
  }
}

TEST_CASE("plain HTTP shows metrics to those who may see nothing else") {
  for (const Level level : levels) CHECK(allowed(Access::metrics, Transport::http, level, true) == (level == Level::metrics));
}

TEST_CASE("pairing needs TLS and an open window, and no level") {
  for (const Level level : levels) {
    CHECK(allowed(Access::pairing, Transport::https, level, true));
    CHECK_FALSE(allowed(Access::pairing, Transport::https, level, false));
  }
}

TEST_CASE("a socket peer without an identity is an admin when root or the daemon's own user") {
  CHECK(default_level(0, 1000) == Level::admin);
  CHECK(default_level(1000, 1000) == Level::admin);
  CHECK(default_level(1000, 0) == Level::read);
  CHECK(default_level(2000, 1000) == Level::read);
}

TEST_CASE("levels have words, nobody has none") {
  for (const Level level : levels) {
    if (level != Level::none) CHECK(level_from_word(level_word(level)) == level);
  }
  CHECK(level_word(Level::none).empty());
  CHECK_FALSE(level_from_word(""));
  CHECK_FALSE(level_from_word("Admin"));
}
