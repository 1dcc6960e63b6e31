#include "layers/quote.h"

#include <catch2/catch.hpp>

using cobble::layers::quote;

TEST_CASE("names are quoted") {
  CHECK(quote("a") == R"("a")");
  CHECK(quote("\"\\\n\t\r\a\b\f\v") == R"("\"\\\n\t\r\a\b\f\v")");
  CHECK(quote(std::string("\0\x7f\x1b", 3)) == R"("\x00\x7f\x1b")");
  CHECK(quote("\xff\xc3") == R"("\xff\xc3")");
  CHECK(quote("\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x8e\x89") == "\"\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x8e\x89\"");
  CHECK(quote("\xe2\x80\xa8\xc2\xa0\xef\xbb\xbf") == R"("\u2028\u00a0\ufeff")");
  CHECK(quote("\xed\xa0\x80") == R"("\xed\xa0\x80")");
}
