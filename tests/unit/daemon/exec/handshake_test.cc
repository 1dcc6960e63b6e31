#include "daemon/exec/handshake.h"

#include <catch2/catch.hpp>

using cobble::exec::accept_handshake;
using Headers = std::vector<std::pair<std::string, std::string>>;

namespace {

const Headers good{{"Upgrade", "websocket"},
                   {"Connection", "Upgrade"},
                   {"Sec-WebSocket-Version", "13"},
                   {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}};

Headers with(const std::string& name, const std::string& value) {
  Headers headers = good;
  for (auto& [key, old] : headers)
    if (key == name) old = value;
  return headers;
}

}  // namespace

TEST_CASE("handshake: the key of RFC 6455 gives its answer") {
  CHECK(accept_handshake(good).value() == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("handshake: lists, several lines and any case are taken") {
  Headers headers = with("Connection", "keep-alive");
  headers.emplace_back("connection", "x,  UPGRADE");
  headers[0].second = "WebSocket";
  CHECK(accept_handshake(headers));
  CHECK(accept_handshake(with("Sec-WebSocket-Version", "8, 13")));
}

TEST_CASE("handshake: what is missing or wrong") {
  CHECK_FALSE(accept_handshake({}));
  CHECK_FALSE(accept_handshake(with("Connection", "keep-alive")));
  CHECK_FALSE(accept_handshake(with("Upgrade", "h2c")));
  CHECK_FALSE(accept_handshake(with("Sec-WebSocket-Version", "8")));
  for (const char* key :
       {"", "dGhlIHNhbXBsZQ==", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZXgx", "dGhlIHNhb*BsZSBub25jZQ=="})
    CHECK_FALSE(accept_handshake(with("Sec-WebSocket-Key", key)));
}
