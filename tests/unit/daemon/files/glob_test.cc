#include "daemon/files/glob.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using cobble::files::Glob;

namespace {

bool matches(std::string_view pattern, std::string_view name) {
  const auto glob = Glob::parse(pattern);
  REQUIRE(glob);
  return glob->matches(name);
}

}  // namespace

TEST_CASE("glob: stars, question marks and plain text") {
  CHECK(matches("*", ".hidden"));
  CHECK(matches("**", "x"));
  CHECK(matches("*.txt", ".txt"));
  CHECK_FALSE(matches("*.txt", "a.txt.old"));
  CHECK(matches("a*b*c", "aXbXbXc"));
  CHECK_FALSE(matches("a*b*c", "acb"));
  CHECK(matches("?", "\xc3\xa9"));
  CHECK(matches("a??b",
                "a\xff\xfe"
                "b"));
  CHECK_FALSE(matches("?", ""));
  CHECK(matches("", ""));
  CHECK_FALSE(matches("", "x"));
  CHECK(matches("{a,b}]", "{a,b}]"));
  CHECK_FALSE(matches("*", "/"));
}

TEST_CASE("glob: classes") {
  CHECK(matches("[a-c].*", "b.txt"));
  CHECK_FALSE(matches("[c-a]", "b"));
  CHECK(matches("[^a-c]", "d"));
  CHECK(matches("[!a]", "!"));
  CHECK(matches("[\\]x]", "]"));
  CHECK(matches("[[]", "["));
  CHECK(matches("[\\-]", "-"));
  CHECK(matches("[a-\\z]", "q"));
  CHECK(matches("[\xc3\xa0-\xc3\xbf]", "\xc3\xa9"));
  CHECK_FALSE(matches("[a]", "\xff"));
}

TEST_CASE("glob: malformed patterns") {
  for (const char* pattern : {"[", "[]", "[^]", "[a", "a[", "[]a]", "[-]", "[a-]", "[a-c-e]", "\\", "[^", "[\\", "[a-\\"}) {
    INFO(pattern);
    const auto glob = Glob::parse(pattern);
    REQUIRE_FALSE(glob);
    CHECK(glob.error() == "syntax error in pattern");
  }
}

TEST_CASE("glob: many stars take no exponential time") {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*a";
  CHECK_FALSE(matches(pattern + "b", std::string(5000, 'a')));
}
