#include "daemon/net/url.h"

#include <catch2/catch.hpp>

using cobble::net::parse_url;
using cobble::net::resolve_reference;
using cobble::net::Url;

TEST_CASE("a URL is taken apart") {
  const auto url = parse_url("http://me:se%20cret@Host:8080/a%20b/c?q=1&r=%2F#here");
  REQUIRE(url);
  CHECK(url->scheme == "http");
  CHECK(url->user == "me");
  CHECK(url->password == "se cret");
  CHECK(url->host == "Host");
  CHECK(url->port == "8080");
  CHECK(url->target() == "/a%20b/c?q=1&r=%2F");
  CHECK(url->fragment == "here");
  CHECK(url->text(true) == "http://me:***@Host:8080/a%20b/c?q=1&r=%2F#here");
}

TEST_CASE("hosts, ports and targets") {
  struct Row {
    const char* text;
    const char* host;
    const char* host_port;
    const char* port;
    const char* target;
  };
  const Row rows[] = {
      {"http://h", "h", "h", "80", "/"},
      {"https://h", "h", "h", "443", "/"},
      {"HTTP://h?x", "h", "h", "80", "/?x"},
      {"http://[::1]:81/x", "::1", "[::1]:81", "81", "/x"},
      {"http://h:/x y", "h", "h", "80", "/x%20y"},
      {"http:///x", "", "", "80", "/x"},
      {"http+unix://%2Frun%2Fa.sock/v1", "%2Frun%2Fa.sock", "%2Frun%2Fa.sock", "80", "/v1"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto url = parse_url(row.text);
    REQUIRE(url);
    CHECK(url->host == row.host);
    CHECK(url->host_port() == row.host_port);
    CHECK(url->port_or_default() == row.port);
    CHECK(url->target() == row.target);
  }
}

TEST_CASE("what is no URL is refused with the reason") {
  const std::pair<const char*, const char*> rows[] = {
      {"127.0.0.1:80/x", "first path segment in URL cannot contain colon"},
      {"http://h/%zz", "invalid URL escape \"%zz\""},
      {"http://h:abc/", "invalid port \":abc\" after host"},
      {"http://a b/", "invalid character \" \" in host name"},
      {"http://h/\x01", "net/url: invalid control character in URL"},
      {":x", "missing protocol scheme"},
      {"http://[::1/", "missing ']' in host"},
  };
  for (const auto& [text, reason] : rows) {
    CAPTURE(text);
    const auto url = parse_url(text);
    REQUIRE_FALSE(url);
    CHECK(url.error() == reason);
  }
}

TEST_CASE("references are resolved") {
  const Url base = *parse_url("http://h/a/b/c?q");
  const std::pair<const char*, const char*> rows[] = {
      {"/x", "http://h/x"},         {"x", "http://h/a/b/x"},    {"../x?y", "http://h/a/x?y"},
      {"../../../x", "http://h/x"}, {"?z", "http://h/a/b/c?z"}, {"//other:1/", "http://other:1/"},
      {"https://s/", "https://s/"}, {"./", "http://h/a/b/"},    {"..", "http://h/a/"},
  };
  for (const auto& [reference, whole] : rows) {
    CAPTURE(reference);
    CHECK(resolve_reference(base, *parse_url(reference)).text(false) == whole);
  }
}
