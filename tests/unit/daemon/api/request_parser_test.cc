#include "daemon/api/request_parser.h"

#include <catch2/catch.hpp>

using namespace cobble::api;

TEST_CASE("the end of a head is found whatever its line ends") {
  CHECK(find_head_end("GET / HTTP/1.1\r\nHost: x\r\n\r\nrest") == 27);
  CHECK(find_head_end("GET / HTTP/1.1\nHost: x\n\nrest") == 24);
  CHECK(find_head_end("GET / HTTP/1.1\r\nHost: x\r\n") == 0);
  const std::string text = "GET / HTTP/1.1\r\n\r\n";
  for (std::size_t from = 0; from <= text.size(); ++from) CHECK(find_head_end(text, from) == text.size());
}

TEST_CASE("heads are made regular") {
  CHECK(*regular_head("GET /a HTTP/1.1\nhost:x\n\n") == "GET /a HTTP/1.1\r\nhost: x\r\n\r\n");
  CHECK(*regular_head("get / HTTP/1.2\r\nHost:\r\n\r\n") == "get / HTTP/1.1\r\nHost: \r\n\r\n");
  CHECK(*regular_head("GET / HTTP/1.0\r\n\r\n") == "GET / HTTP/1.0\r\n\r\n");
  CHECK(*regular_head("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: Chunked\r\n\r\n") ==
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n");
}

TEST_CASE("malformed heads are refused") {
  const std::pair<const char*, int> table[] = {
      {"garbage\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\r\nX-Y : z\r\n\r\n", 400},
      {"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
      {"GET / HTTP/x.y\r\nHost: x\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
  };
  for (const auto& [head, status] : table) {
    INFO(head);
    const auto result = regular_head(head);
    REQUIRE_FALSE(result);
    CHECK(result.error().status == status);
  }
}

TEST_CASE("Beast reads a regular head, also with very long fields") {
  const std::string value(900'000, 'v');
  const auto head = regular_head("POST /v1/x?y=%20z HTTP/1.1\r\nHost: h\r\nX-Long: " + value + "\r\n\r\n");
  REQUIRE(head);
  RequestParser parser;
  REQUIRE(parser.parse_head(*head));
  CHECK(parser.method == "POST");
  CHECK(parser.target == "/v1/x?y=%20z");
  CHECK(parser.version == 11);
  REQUIRE(parser.fields.size() == 2);
  CHECK(parser.fields[1] == std::pair<std::string, std::string>("X-Long", value));
}

TEST_CASE("unusual but legal targets and methods pass") {
  for (const char* line : {"get /v1/health HTTP/1.1", "FROB * HTTP/1.1", "GET http://localhost/v1/health HTTP/1.1",
                           "GET /a#b|{}\\^ HTTP/1.1", "GET /\xc3\xa9 HTTP/1.1"}) {
    INFO(line);
    const auto head = regular_head(std::string(line) + "\r\nHost: x\r\n\r\n");
    REQUIRE(head);
    RequestParser parser;
    CHECK(parser.parse_head(*head));
  }
}

TEST_CASE("bad lengths are refused by the parser") {
  for (const char* length : {"abc", "-1", "99999999999999999999999"}) {
    const auto head = regular_head("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::string(length) + "\r\n\r\n");
    RequestParser parser;
    CHECK_FALSE(parser.parse_head(*head));
  }
  const auto two = regular_head("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n");
  RequestParser parser;
  CHECK_FALSE(parser.parse_head(*two));
}

TEST_CASE("a chunked body is decoded whatever the pieces it comes in") {
  const std::string body = "3\r\nabc\r\nA;ext=1\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
  for (std::size_t step = 1; step <= body.size(); ++step) {
    INFO(step);
    RequestParser parser;
    REQUIRE(parser.parse_head(*regular_head("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")));
    std::string decoded;
    std::string pending;
    for (std::size_t at = 0; at < body.size(); at += step) {
      pending += body.substr(at, step);
      while (!pending.empty() && !parser.is_done()) {
        const auto used = parser.parse_body(pending, decoded);
        REQUIRE(used);
        if (*used == 0) break;
        pending.erase(0, *used);
      }
    }
    CHECK(parser.is_done());
    CHECK(pending.empty());
    CHECK(decoded == "abc0123456789");
  }
}

TEST_CASE("garbage where a chunk should be is an error") {
  RequestParser parser;
  REQUIRE(parser.parse_head(*regular_head("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")));
  std::string decoded;
  CHECK_FALSE(parser.parse_body("zz\r\nabc\r\n", decoded));
}
