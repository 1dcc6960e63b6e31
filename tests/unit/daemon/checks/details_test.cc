#include "daemon/checks/details.h"

#include <catch2/catch.hpp>

using namespace cobble::checks;

TEST_CASE("details of a body: five lines, then a mark") {
  CHECK(body_details("") == "");
  CHECK(body_details("  \n\n") == "");
  CHECK(body_details("oops\n") == "oops");
  CHECK(body_details("a\nb\nc\nd\ne\n") == "a\nb\nc\nd\ne");
  CHECK(body_details("a\nb\nc\nd\ne\nf") == "a\nb\nc\nd\ne\n(...)");
  CHECK(body_details("\n\n  l1\nl2\n\nl4\nl5  \n\n") == "l1\nl2\n\nl4\nl5");
  CHECK(body_details(std::string(600, 'x')) == std::string(512, 'x'));
}

TEST_CASE("details of output: a mark, then the last five lines") {
  CHECK(output_details("") == "");
  CHECK(output_details("out\nerr\n") == "out\nerr");
  CHECK(output_details("no newline") == "no newline");
  CHECK(output_details("line 1\nline 2\nline 3\nline 4\nline 5\n") == "line 1\nline 2\nline 3\nline 4\nline 5");
  CHECK(output_details("1\n2\n3\n4\n5\n6\n7\n") == "(...)\n3\n4\n5\n6\n7");
  CHECK(output_details("\n\na\n\nb\n\n\n") == "a\n\nb");
  CHECK(output_details("1\n2\n3\n4\n5\n6\n\n\n") == "3\n4\n5\n6");
  CHECK(output_details("\ta\n\tb\n") == "a\n\tb");
  CHECK(output_details("\n") == "");
  CHECK(output_details("\n\n\n\n\n\n\n") == "");
}

TEST_CASE("the tail keeps the last 512 bytes, however they come") {
  std::string all;
  OutputTail tail;
  for (int i = 0; i < 300; ++i) {
    const std::string piece(static_cast<std::size_t>(i * 7 % 23), static_cast<char>('a' + i % 26));
    tail.append(piece);
    all += piece;
    REQUIRE(tail.text() == std::string_view(all).substr(all.size() > details_limit ? all.size() - details_limit : 0));
  }
  tail.append(std::string(2000, 'z'));
  CHECK(tail.text() == std::string(details_limit, 'z'));
}
