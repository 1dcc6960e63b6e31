#include "daemon/net/response_parser.h"

#include <catch2/catch.hpp>
#include <random>

using cobble::net::ResponseParser;

namespace {

/// Feeds a text in pieces of a size and then, if wanted, the end; gives the error or nothing.
std::string feed(ResponseParser& parser, std::string_view text, std::size_t piece, bool end) {
  for (std::size_t at = 0; at < text.size(); at += piece)
    if (const auto put = parser.put(text.substr(at, piece)); !put) return put.error();
  if (end)
    if (const auto ended = parser.end(); !ended) return ended.error();
  return {};
}

}  // namespace

TEST_CASE("responses, whole and byte by byte") {
  struct Row {
    const char* text;
    int status;
    const char* body;
    bool keep_alive;
  };
  const Row rows[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, "abc", true},
      {"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", 404, "abcde", true},
      {"HTTP/1.1 204 No Content\r\n\r\n", 204, "", true},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, "", true},
      {"HTTP/1.1 500 X\r\nConnection: close\r\nContent-Length: 1\r\n\r\na", 500, "a", false},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
       200, "a", true},
      {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", 101, "", false},
  };
  for (const Row& row : rows) {
    for (const std::size_t piece : {std::size_t(1), std::size_t(7), std::size_t(4096)}) {
      CAPTURE(row.text, piece);
      ResponseParser parser(4096, 100);
      CHECK(feed(parser, row.text, piece, false) == "");
      CHECK(parser.done());
      CHECK(parser.response().status == row.status);
      CHECK(parser.response().body == row.body);
      CHECK(parser.keep_alive() == row.keep_alive);
    }
  }
}

TEST_CASE("a body without a length ends with the connection") {
  ResponseParser parser(4096, 100);
  CHECK(feed(parser, "HTTP/1.0 500 X\r\n\r\nabc", 5, true) == "");
  CHECK(parser.response().body == "abc");
}

TEST_CASE("more body than wanted is thrown away") {
  ResponseParser parser(4096, 4);
  CHECK(feed(parser, "HTTP/1.1 500 X\r\nContent-Length: 9\r\n\r\nabcdefghi", 3, false) == "");
  CHECK(parser.response().body == "abcd");
  CHECK(parser.body_full());
}

TEST_CASE("what ends early or is no HTTP") {
  const auto error = [](std::string_view text) {
    ResponseParser parser(200, 100);
    return feed(parser, text, 4096, true);
  };
  CHECK(error("") == "EOF");
  CHECK(error("HTTP/1.1 20") == "unexpected EOF");
  CHECK(error("HTTP/1.1 500 X\r\nContent-Length: 100\r\n\r\nno more") == "unexpected EOF");
  CHECK(error("hello\r\n\r\n") == "net/http: HTTP/1.x transport connection broken: malformed HTTP response \"hello\"");
  CHECK(error("SSH-2.0-server\r\n") ==
        "net/http: HTTP/1.x transport connection broken: malformed HTTP response \"SSH-2.0-server\"");
  CHECK(error("HTTP/1.1 200 OK\r\nX: " + std::string(500, 'x') + "\r\n\r\n") ==
        "net/http: server response headers exceeded 200 bytes; aborted");
}

TEST_CASE("no input makes the parser do more than refuse") {
  std::mt19937 random(11);
  const std::string good =
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: y\r\n\r\nabcHTTP/1.1 200 OK\r\nTransfer-Encoding: "
      "chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
  for (int round = 0; round < 2000; ++round) {
    std::string text = good.substr(random() % 20);
    for (int i = 0; i < 4; ++i) text[random() % text.size()] = static_cast<char>(random());
    ResponseParser parser(300, 10);
    feed(parser, text, 1 + random() % 40, true);
    REQUIRE(parser.response().body.size() <= 10);
  }
}
