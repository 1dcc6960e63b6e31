#include "daemon/files/multipart.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

using cobble::files::MultipartParser;
using Event = MultipartParser::Event;

namespace {

const std::string boundary = "0123456789abcdef0123456789abcdef";

struct Parsed {
  std::vector<std::pair<std::string, std::string>> parts;  // disposition, content
  bool complete = false;                                   // the last part ended
  Event last = Event::need_bytes;
  std::string error;
};

/// Feeds the body in pieces of the given size.
Parsed parse(const std::string& body, std::size_t piece) {
  MultipartParser parser(boundary);
  Parsed parsed;
  std::size_t at = 0;
  while (true) {
    const Event event = parser.next();
    switch (event) {
      case Event::need_bytes: {
        const auto space = parser.space();
        REQUIRE_FALSE(space.empty());
        const std::size_t count = std::min({piece, space.size(), body.size() - at});
        std::memcpy(space.data(), body.data() + at, count);
        at += count;
        if (count == 0) {
          parser.ended();
        } else {
          parser.took(count);
        }
        break;
      }
      case Event::part:
        parsed.parts.emplace_back(parser.disposition(), "");
        parsed.complete = false;
        break;
      case Event::content:
        REQUIRE_FALSE(parser.content().empty());
        parsed.parts.back().second += parser.content();
        break;
      case Event::part_end:
        parsed.complete = true;
        break;
      case Event::end:
      case Event::error:
        parsed.last = event;
        parsed.error = parser.error();
        return parsed;
    }
  }
}

std::string body_of(const std::vector<std::string>& contents, const std::string& line_end = "\r\n") {
  std::string body;
  for (const std::string& content : contents)
    body += "--" + boundary + line_end + "Content-Disposition: form-data; name=x" + line_end + line_end + content + line_end;
  return body + "--" + boundary + "--" + line_end;
}

std::vector<std::string> contents_of(const Parsed& parsed) {
  std::vector<std::string> contents;
  for (const auto& part : parsed.parts) contents.push_back(part.second);
  return contents;
}

}  // namespace

TEST_CASE("multipart: contents come back whatever the pieces are") {
  const std::vector<std::string> contents{"hello",
                                          "",
                                          "line\r\n",
                                          "\r\n",
                                          "--",
                                          "\r\n--" + boundary.substr(1),
                                          "\r\n--" + boundary + "x",
                                          "\n--" + boundary + "\r\n",
                                          "--" + boundary.substr(0, 31),
                                          "\r\r\n-\r\n--" + boundary + "-",
                                          std::string("\0\xff\r", 3)};
  const std::string body = body_of(contents);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{64}, body.size()}) {
    const Parsed parsed = parse(body, piece);
    INFO("pieces of " << piece << ": " << parsed.error);
    CHECK(parsed.last == Event::end);
    CHECK(contents_of(parsed) == contents);
    CHECK(parsed.complete);
  }
}

TEST_CASE("multipart: line ends of LF alone count when the first boundary has one") {
  const std::vector<std::string> contents{"hello", "", "with\r\n", "two\nlines\n"};
  for (const std::size_t piece : {1, 3, 1000}) CHECK(contents_of(parse(body_of(contents, "\n"), piece)) == contents);
}

TEST_CASE("multipart: preamble and epilogue are ignored, blanks may follow a boundary") {
  const std::string body = "to be ignored\r\n--" + boundary + "x\r\n--" + boundary + " \t\r\nA: b\r\n\r\ncontent\r\n--" +
                           boundary + "-- \r\nepilogue\r\n--" + boundary + "\r\n";
  const Parsed parsed = parse(body, 5);
  CHECK(parsed.last == Event::end);
  CHECK(parsed.parts == std::vector<std::pair<std::string, std::string>>{{"", "content"}});
  const std::string without_line_end = body_of({"x"}).substr(0, body_of({"x"}).size() - 2);
  CHECK(parse(without_line_end, 9).last == Event::end);
}

TEST_CASE("multipart: the disposition is kept from any place among the headers, continued lines included") {
  const std::string body =
      "--" + boundary +
      "\r\nContent-Type: text/plain;\r\n charset=utf-8\r\ncontent-DISPOSITION:  form-data;\r\n\t name=files \r\n"
      "X: y\r\n\r\n1\r\n--" +
      boundary + "\r\n\r\n2\r\n--" + boundary + "--";
  const Parsed parsed = parse(body, 3);
  CHECK(parsed.parts == std::vector<std::pair<std::string, std::string>>{{"form-data; name=files", "1"}, {"", "2"}});
}

TEST_CASE("multipart: a body cut short anywhere is an error and never an end") {
  const std::string body = body_of({"first", "second\r\nline"});
  const std::size_t closing = body.rfind("--\r\n");
  for (std::size_t length = 0; length < closing + 2; ++length) {
    const Parsed parsed = parse(body.substr(0, length), 1 + length % 13);
    INFO("cut after " << length);
    CHECK(parsed.last == Event::error);
    CHECK_FALSE(parsed.error.empty());
  }
}

TEST_CASE("multipart: headers that are malformed or too long are errors") {
  const auto with_headers = [](const std::string& headers) {
    return parse("--" + boundary + "\r\n" + headers + "\r\n\r\nx\r\n--" + boundary + "--\r\n", 4096);
  };
  for (const std::string headers : {"no colon", ": no name", "a b: space in the name", " continued: at once"})
    CHECK(with_headers(headers).last == Event::error);
  CHECK(with_headers(std::string("A: \0", 4)).last == Event::error);
  CHECK(with_headers("A: " + std::string(MultipartParser::buffer_size, 'x')).error == "multipart: message too large");
  std::string many;
  for (std::size_t i = 0; i <= MultipartParser::max_header_lines; ++i) many += "A: b\r\n";
  CHECK(with_headers(many + "C: d").error == "multipart: message too large");
  CHECK(with_headers("A: \xc3\xa4\tb").last == Event::end);
}

TEST_CASE("multipart: a preamble line longer than the buffer is passed over") {
  const std::string long_line(MultipartParser::buffer_size * 2 + 10, '-');
  CHECK(contents_of(parse(long_line + "--" + boundary + "\r\n" + body_of({"x"}), 100'000)) == std::vector<std::string>{"x"});
}

TEST_CASE("multipart: random contents made of pieces of boundaries come back") {
  std::mt19937 random(7);
  const std::vector<std::string> pieces{"\r", "\n", "-", "--", boundary, boundary.substr(0, 5), "x", "\r\n--" + boundary + "y"};
  for (int round = 0; round < 500; ++round) {
    std::vector<std::string> contents(1 + random() % 3);
    for (std::string& content : contents) {
      for (auto count = random() % 12; count > 0; --count) content += pieces[random() % pieces.size()];
      // What really is a boundary can't be content.
      if (contents_of(parse(body_of({content}), 4096)) != std::vector<std::string>{content}) content = "replaced";
    }
    const Parsed parsed = parse(body_of(contents), 1 + random() % 50);
    CHECK(parsed.last == Event::end);
    CHECK(contents_of(parsed) == contents);
  }
}
