#include "daemon/net/gzip.h"

#include <catch2/catch.hpp>
#include <cstdint>

using cobble::net::pack_gzip;
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

TEST_CASE("what is packed comes out again, whether it shrinks or not") {
  std::string noise(300'000, '\0');
  std::uint32_t state = 1;
  for (char& c : noise) c = static_cast<char>((state = state * 1'664'525 + 1'013'904'223) >> 24);
  for (const std::string& data : {std::string("x"), std::string(1 << 20, 'x'), noise}) {
    const std::string result = pack_gzip(data);
    CHECK(unpack_gzip(result, data.size() + 1) == data);
    CHECK(result.size() < data.size() + 1000);
  }
  CHECK(pack_gzip(std::string(1 << 20, 'x')).size() < 10'000);
  // Ends in the checksum (CRC-32 of these digits is known as cbf43926) and the length.
  CHECK(pack_gzip("123456789").ends_with(std::string("\x26\x39\xf4\xcb\x09\0\0\0", 8)));
}
