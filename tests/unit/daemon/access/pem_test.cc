#include "daemon/access/pem.h"

#include <catch2/catch.hpp>

using namespace cobble::access;

namespace {

const std::string block = write_pem_block("THING", std::string(100, '\x01'));

}  // namespace

TEST_CASE("a block is found with what follows it") {
  const auto found = find_pem_block(block);
  REQUIRE(found);
  CHECK(found->label == "THING");
  CHECK(found->content == std::string(100, '\x01'));
  CHECK(found->rest.empty());
  CHECK(find_pem_block(block + block)->rest == block);
  CHECK(find_pem_block(block + "\n")->rest == "\n");
  CHECK(find_pem_block(block + " ")->rest == " ");
}

TEST_CASE("line ends and text before a block don't matter") {
  CHECK(find_pem_block("some words\n" + block)->rest.empty());
  CHECK(find_pem_block(block.substr(0, block.size() - 1))->rest.empty());
  std::string crlf;
  for (const char c : block) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  CHECK(find_pem_block(crlf)->content.size() == 100);
  CHECK(find_pem_block(crlf)->rest.empty());
  CHECK(find_pem_block("-----BEGIN X-----\nProc-Type: 4\nDEK-Info: x\n\nAQID\n-----END X-----\n")->content == "\x01\x02\x03");
}

TEST_CASE("what isn't a whole block isn't found") {
  for (const std::string& text :
       {std::string(), std::string("words"), block.substr(0, 40), block.substr(block.find('\n')),
        std::string("-----BEGIN X-----\nAQ*D\n-----END X-----\n"), std::string("-----BEGIN X-----\nAQID\n-----END Y-----\n"),
        std::string(" -----BEGIN X-----\nAQID\n-----END X-----\n"), std::string("-----BEGIN X----")}) {
    CAPTURE(text);
    CHECK_FALSE(find_pem_block(text));
  }
  CHECK(find_pem_block("-----BEGIN X-----\n" + block)->label == "THING");
}
