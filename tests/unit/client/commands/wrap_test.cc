#include "client/commands/wrap.h"

#include <catch2/catch.hpp>

using namespace cobble::client;

TEST_CASE("an error is broken evenly, at punctuation if that is near") {
  CHECK(reflow("cannot frobnicate the widget in the second drawer of the cabinet, or in any other one that you may have", 80) ==
        "cannot frobnicate the widget in the second drawer of the cabinet,\n"
        "       or in any other one that you may have");
  CHECK(reflow("short", 80) == "short");
  CHECK(reflow("", 80).empty());
}

TEST_CASE("a word that does not fit stands alone") {
  const std::string word(100, 'x');
  CHECK(reflow("a " + word + " b", 80) == "a\n       " + word + "\n       b");
}

TEST_CASE("white space becomes single blanks, blank lines stay between paragraphs") {
  CHECK(reflow("several   blanks\tand\nlines \n\n\n\nmore", 80) == "several blanks and lines\n\n       more");
}

TEST_CASE("indented lines stay as they are, lists become lists") {
  CHECK(reflow("a block:\n    in  it\n      and  more", 80) == "a block:\n\n       in  it\n         and  more");
  CHECK(reflow("list:\n  - one\n  - two", 80) == "list:\n         - one\n         - two");
  CHECK(reflow("list:\n  1. one\n  2. two", 80) == "list:\n        1. one\n        2. two");
  CHECK(reflow("list:\n  - one\nafter", 80) == "list:\n         - one\n\n       after");
}

TEST_CASE("doubled quotes become typographic ones") {
  CHECK(reflow("use ``foo'' and `bar'", 80) == "use “foo” and `bar'");
}

TEST_CASE("width counts characters, not bytes") {
  const std::string e = "éééééééééé";
  CHECK(reflow(e + " " + e + " " + e + " " + e, 51) == e + " " + e + " " + e + " " + e);
}

TEST_CASE("text is wrapped as full as it can be") {
  CHECK(wrap_greedily("one two three\n  four", 9) == std::vector<std::string>{"one two", "three", "four"});
  CHECK(wrap_greedily("", 9) == std::vector<std::string>{""});
}

TEST_CASE("a warning keeps the indentation of its lines and is cut where it must be") {
  CHECK(wrap_warning("a warning of several words that is long enough", 40) ==
        "  a warning of several words that is\n  long enough\n");
  CHECK(wrap_warning("one\n\n    two  three\n\n", 40) == "  one\n\n      two  three\n");
  CHECK(wrap_warning(std::string(30, ' ') + "deep", 40) == "    deep\n");
  CHECK(wrap_warning(std::string(50, 'x'), 40) == "  " + std::string(38, 'x') + "\n  " + std::string(12, 'x') + "\n");
}
