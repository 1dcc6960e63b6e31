#include <catch2/catch.hpp>

#include "client/api/decode.h"
#include "client/api/endpoint.h"
#include "client/api/envelope.h"
#include "client/api/http.h"
#include "client/api/multipart.h"
#include "client/api/time.h"
#include "client/api/websocket.h"

using namespace cobble::client;

TEST_CASE("times keep their zone and lose trailing zeros") {
  CHECK(format_time(*parse_time("2024-01-02T03:04:05.600000Z")) == "2024-01-02T03:04:05.6Z");
  CHECK(format_time(*parse_time("2024-07-02T23:30:00.000000001-05:30")) == "2024-07-02T23:30:00.000000001-05:30");
  CHECK(format_time_seconds(*parse_time("2024-01-02T03:04:05.999Z")) == "2024-01-02T03:04:05Z");
  CHECK(format_time_milliseconds(*parse_time("2024-01-02T03:04:05.9999Z")) == "2024-01-02T03:04:05.999Z");
  CHECK(parse_time("0001-01-01T00:00:00Z")->is_zero());
  CHECK(parse_time("2024-05-02T10:00:00Z")->before(*parse_time("2024-05-02T12:30:00.1+02:30")));
  for (const char* text :
       {"", "2024-01-02", "2024-02-30T00:00:00Z", "2024-01-02T24:00:00Z", "2024-01-02T03:04:05", "2024-01-02T03:04:05.Z"}) {
    CHECK_FALSE(parse_time(text));
  }
}

TEST_CASE("a base URL has a host, a port and a path") {
  const auto endpoint = make_endpoint("/p/s", "http://127.0.0.1:4000/v2/sub/");
  REQUIRE(endpoint);
  CHECK(endpoint->address == "127.0.0.1");
  CHECK(endpoint->port == "4000");
  CHECK(endpoint->url("/v1/x") == "http://127.0.0.1:4000/v2/sub/v1/x");
  CHECK(make_endpoint("/p/s", "http://[::1]:80")->address == "::1");
  CHECK(make_endpoint("/p/s", "")->url("/v1/x") == "http://localhost/v1/x");
  CHECK(make_endpoint("/p/s", "http://[::1").error().message ==
        "cannot create client: cannot parse base URL: parse \"http://[::1\": missing ']' in host");
  CHECK_FALSE(make_endpoint("/p/s", "127.0.0.1:80"));
}

TEST_CASE("a base URL may carry a login, which errors don't show") {
  CHECK(make_endpoint("/p/s", "https://me:a%40b%zz@h/")->credentials.login == "me:a@b%zz");
  Credentials given;
  given.login = "me:given";
  CHECK(make_endpoint("/p/s", "https://me:url@h/", given)->credentials.login == "me:given");
  const auto endpoint = make_endpoint("/p/s", "https://me:secret@h");
  CHECK(endpoint->secure());
  CHECK(endpoint->port == "443");
  CHECK(endpoint->url("/v1/x") == "https://h/v1/x");
  for (const char* url : {"http://me:secret@[::1", "http://me:secret@h:x", "http://me:secret@\x01"}) {
    const auto refused = make_endpoint("/p/s", url);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("secret") == std::string::npos);
  }
}

TEST_CASE("queries are escaped") {
  CHECK(Query().add("names", "a b,é&c").add("n", "-1").text() == "?names=a+b%2C%C3%A9%26c&n=-1");
}

TEST_CASE("a response's head is read") {
  const auto head = parse_http_head("HTTP/1.1 502 Bad Gateway\r\nContent-type: application/json\r\nX:  y \r\n");
  REQUIRE(head);
  CHECK(head->status == 502);
  CHECK(head->header("Content-Type") == "application/json");
  CHECK(head->header("x") == "y");
  CHECK(head->header("z").empty());
  for (const char* text : {"", "HTTP/2 200", "HTTP/1.1 2x0 OK", "HTTP/1.1 200 OK\r\nno colon"})
    CHECK_FALSE(parse_http_head(text));
}

TEST_CASE("an envelope is opened, or says what is wrong") {
  const auto envelope =
      open_envelope(R"({"type":"sync","status-code":200,"result":[1],"latest-warning":"2024-01-02T03:04:05Z"})");
  REQUIRE(envelope);
  CHECK(envelope->latest_warning.has_value());
  const auto refused = open_envelope(R"({"type":"error","result":{"message":"no","kind":"login-required"}})");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().source == Error::Source::server);
  CHECK(refused.error().kind == "login-required");
  CHECK(open_envelope(R"({"type":"error","status":"Bad Request"})").error().message == "server error: \"Bad Request\"");
  CHECK(open_envelope("<html>").error().message.starts_with("cannot decode \"<html>\": "));
}

TEST_CASE("values of the wrong kind are told by field") {
  CHECK(decode_services(nlohmann::json::parse(R"([{"name":5}])")).error().message.starts_with("cannot unmarshal: "));
  CHECK(decode_services(nullptr)->empty());
  CHECK_FALSE(decode_services(nlohmann::json::object()));
  const auto check = decode_checks(nlohmann::json::parse(R"([{"name":"c","failures":2}])"));
  REQUIRE(check);
  CHECK_FALSE(check->front().successes.has_value());
}

TEST_CASE("the accept value of the handshake is that of the RFC's example") {
  CHECK(websocket_accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK(websocket_key().size() == 24);
}

TEST_CASE("frames out are masked, with the length in the shortest form") {
  const std::string frame = websocket_frame(FrameType::binary, "Hello");
  REQUIRE(frame.size() == 11);
  CHECK(static_cast<unsigned char>(frame[0]) == 0x82);
  CHECK(static_cast<unsigned char>(frame[1]) == 0x85);
  for (std::size_t i = 0; i < 5; ++i) CHECK((frame[6 + i] ^ frame[2 + i % 4]) == "Hello"[i]);
  CHECK(websocket_frame(FrameType::binary, std::string(126, 'x')).size() == 126 + 8);
  CHECK(websocket_frame(FrameType::binary, std::string(65536, 'x')).size() == 65536 + 14);
}

TEST_CASE("frames in are read however they are cut") {
  const std::string bytes = std::string("\x82\x05Hello\x81\x7e\x00\x80", 11) + std::string(128, 'y');
  FrameReader reader;
  std::vector<Frame> frames;
  for (const char byte : bytes) {
    reader.add(std::string_view(&byte, 1));
    auto frame = reader.next();
    REQUIRE(frame);
    if (*frame) frames.push_back(std::move(**frame));
  }
  REQUIRE(frames.size() == 2);
  CHECK(frames[0].payload == "Hello");
  CHECK(frames[1].type == FrameType::text);
  CHECK(frames[1].payload == std::string(128, 'y'));
}

TEST_CASE("frames that no server may send are refused") {
  for (const std::string& bytes : {std::string("\x82\x85", 2), std::string("\xc2\x00", 2), std::string("\x83\x00", 2)}) {
    FrameReader reader;
    reader.add(bytes);
    CHECK_FALSE(reader.next());
  }
}

TEST_CASE("a multipart body is read in pieces of any size") {
  const std::string body =
      "--B\r\nContent-Disposition: form-data; name=\"files\"; filename=\"/x\"\r\n\r\none\r\n--\r\n-B\r\n\r\n--B\r\n"
      "Content-Disposition: form-data; name=\"response\"\r\n\r\n{}\n\r\n--B--\r\n";
  for (const std::size_t size : {std::size_t{1}, std::size_t{3}, std::size_t{7}, body.size()}) {
    std::vector<std::pair<std::string, std::string>> parts;
    MultipartReader reader(
        "B", [&](std::string_view name) { parts.emplace_back(name, ""); },
        [&](std::string_view piece) { parts.back().second += piece; });
    for (std::size_t at = 0; at < body.size(); at += size) REQUIRE(reader.add(std::string_view(body).substr(at, size)));
    CHECK(reader.complete());
    REQUIRE(parts.size() == 2);
    CHECK(parts[0] == std::pair<std::string, std::string>("files", "one\r\n--\r\n-B\r\n"));
    CHECK(parts[1] == std::pair<std::string, std::string>("response", "{}\n"));
  }
}

TEST_CASE("boundaries are found") {
  CHECK(boundary_of("multipart/form-data; boundary=\"a b\"") == "a b");
  CHECK(boundary_of("multipart/form-data; boundary=abc; x=y") == "abc");
  CHECK_FALSE(boundary_of("application/json"));
}
