#include "layers/base64.h"

#include <catch2/catch.hpp>

using namespace cobble::layers;

TEST_CASE("base64 of every length comes back") {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    CHECK(decode_base64(encode_base64(bytes)) == bytes);
    bytes += static_cast<char>(i * 7);
  }
  CHECK(encode_base64("test") == "dGVzdA==");
  CHECK(encode_base64("") == "");
}

TEST_CASE("base64 with anything else inside is refused") {
  for (const char* text : {"A", "AA", "AAA", "AA=", "A===", "AA==A", "AA==AAAA", "AA*A", "AAAA=", "AAAA====", "====", "AA== "})
    CHECK_FALSE(decode_base64(text));
  CHECK(decode_base64("dGVz\r\ndA==\n") == "test");
  CHECK(decode_base64("dG Vz\tdA==", " \t") == "test");
}
