#include "daemon/access/pairing.h"

#include <catch2/catch.hpp>

using namespace cobble::access;
using namespace std::chrono_literals;

namespace {

const cobble::base::SteadyTime start{1h};

}  // namespace

TEST_CASE("the window opens only when the plan allows it") {
  PairingWindow window;
  CHECK(window.open(start).error() == "cannot enable pairing with pairing mode disabled");
  window.set_mode("disabled");
  CHECK(window.open(start).error() == "cannot enable pairing with pairing mode disabled");
  window.set_mode("single");
  CHECK(window.open(start + 1s));
  window.set_paired();
  CHECK(window.open(start).error() == "cannot enable pairing when already paired in 'single' pairing mode");
  window.set_mode("multiple");
  CHECK(window.open(start));
}

TEST_CASE("a window may have a mode of its own, unless the plan disables pairing") {
  PairingWindow window;
  CHECK(window.open(start + 1s, "single"));
  window.set_paired();
  CHECK_FALSE(window.open(start + 1s, "single"));
  CHECK(window.open(start + 1s, "multiple"));
  CHECK(window.mode().empty());
  window.set_mode("disabled");
  CHECK(window.open(start + 1s, "multiple").error() == "cannot enable pairing with pairing mode disabled");
}

TEST_CASE("the window closes at its end, on demand, and when the mode changes; opening again moves its end") {
  PairingWindow window;
  window.set_mode("multiple");
  REQUIRE(window.open(start + 10s));
  CHECK(window.is_open(start + 9s));
  CHECK_FALSE(window.is_open(start + 10s));
  REQUIRE(window.open(start + 20s));
  CHECK(window.is_open(start + 19s));
  window.set_mode("multiple");
  CHECK(window.is_open(start));
  window.set_mode("single");
  CHECK_FALSE(window.is_open(start));
  REQUIRE(window.open(start + 10s));
  window.close();
  CHECK_FALSE(window.is_open(start));
}

TEST_CASE("paired clients take the lowest free number") {
  Identities identities{{"user-0", {}}, {"user-abc", {}}, {"user-1", {}}, {"user-3", {}}};
  CHECK(next_pairing_name(identities) == "user-2");
  for (int number = 1; number <= 1000; ++number) identities["user-" + std::to_string(number)];
  CHECK(next_pairing_name(identities).error() == "user allocation limit 1000 reached");
}
