#include "client/commands/diff.h"

#include <catch2/catch.hpp>

using namespace cobble::client;

TEST_CASE("equal texts have no difference") {
  CHECK(line_diff("a\nb\n", "a\nb\n").empty());
}

TEST_CASE("lines come and go") {
  CHECK(line_diff("a\nb\nc\n", "a\nx\nc\nd\n") == " a\n-b\n+x\n c\n+d\n");
  CHECK(line_diff("", "a\n") == "+a\n");
  CHECK(line_diff("a\n", "") == "-a\n");
}

TEST_CASE("lines far from a change are left out") {
  CHECK(line_diff("1\n2\n3\n4\n5\nx\n6\n7\n8\n9\n", "1\n2\n3\n4\n5\n6\n7\n8\n9\n") == "...\n 3\n 4\n 5\n-x\n 6\n 7\n 8\n...\n");
}
