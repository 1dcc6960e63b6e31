#include "daemon/net/gzip.h"

#include <catch2/catch.hpp>

using cobble::net::unpack_gzip;

namespace {
/// "plain words\n" packed by gzip with a file name in the header.
constexpr char bytes[] =
    "\x1f\x8b\x08\x08\x00\x00\x00\x00\x02\x03w.txt\x00\x2b\xc8\x49\xcc\xcc\x53\x28\xcf\x2f\x4a\x29\xe6\x02\x00";
const std::string packed(bytes, sizeof(bytes) - 1);
}  // namespace

TEST_CASE("gzip data is unpacked, as far as it goes and as far as is wanted") {
  CHECK(unpack_gzip(packed, 100) == "plain words\n");
  CHECK(unpack_gzip(packed, 5) == "plain");
  CHECK(unpack_gzip("", 5) == "");
  CHECK(unpack_gzip(packed.substr(0, 24), 100).value_or("?").size() < 12);
}

TEST_CASE("what isn't gzip is refused") {
  CHECK_FALSE(unpack_gzip("plain words", 100));
  CHECK_FALSE(unpack_gzip(packed.substr(0, 9), 100));
  CHECK_FALSE(unpack_gzip(packed.substr(0, 13), 100));
}
