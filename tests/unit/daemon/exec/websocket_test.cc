#include "daemon/exec/websocket.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

using cobble::exec::close_payload;
using cobble::exec::FrameDecoder;
using cobble::exec::FrameHead;
using cobble::exec::Opcode;
using Event = FrameDecoder::Event;

namespace {

/// A frame as clients send it.
std::string frame(unsigned first_byte, const std::string& payload, const std::string& mask = "\x12\x34\x56\x78") {
  std::string head(FrameHead(Opcode::binary, payload.size()).bytes());
  head[0] = static_cast<char>(first_byte);
  head[1] = static_cast<char>(static_cast<unsigned char>(head[1]) | 0x80U);
  std::string body = payload;
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(body[i] ^ mask[i % 4]);
  return head + mask + body;
}

/// What the decoder says, in short: `b:` and `t:` begin messages that end, `ping:`, `close:` with the code …
struct Seen {
  std::vector<std::string> events;
  std::string message;
};

Seen decode(const std::string& bytes, std::size_t piece, std::size_t buffer_size = 4096) {
  FrameDecoder decoder(buffer_size);
  Seen seen;
  std::size_t at = 0;
  while (true) {
    switch (decoder.next()) {
      case Event::need_bytes: {
        if (at == bytes.size()) return seen;
        const auto space = decoder.space();
        REQUIRE_FALSE(space.empty());
        const std::size_t count = std::min({piece, space.size(), bytes.size() - at});
        std::memcpy(space.data(), bytes.data() + at, count);
        at += count;
        decoder.took(count);
        break;
      }
      case Event::data:
        seen.message += decoder.payload();
        if (decoder.message_ends()) seen.events.push_back((decoder.is_text() ? "t:" : "b:") + std::exchange(seen.message, {}));
        break;
      case Event::ping:
        seen.events.push_back("ping:" + std::string(decoder.payload()));
        break;
      case Event::pong:
        seen.events.push_back("pong:" + std::string(decoder.payload()));
        break;
      case Event::close:
        seen.events.push_back("close:" + std::string(decoder.payload()));
        return seen;
      case Event::violation:
        seen.events.push_back(std::string(decoder.payload()));
        return seen;
    }
  }
}

}  // namespace

TEST_CASE("websocket: heads of outgoing frames") {
  CHECK(FrameHead(Opcode::binary, 11).bytes() == std::string_view("\x82\x0b", 2));
  CHECK(FrameHead(Opcode::text, 126).bytes() == std::string_view("\x81\x7e\0\x7e", 4));
  CHECK(FrameHead(Opcode::binary, 65535).bytes() == std::string_view("\x82\x7e\xff\xff", 4));
  CHECK(FrameHead(Opcode::binary, 65536).bytes() == std::string_view("\x82\x7f\0\0\0\0\0\x01\0\0", 10));
  CHECK(close_payload(1002, "bad") ==
        "\x03\xea"
        "bad");
}

TEST_CASE("websocket: messages of all sizes, fragments, control frames in between") {
  const std::string large(70'000, 'x');
  const std::string medium(300, 'y');
  const std::string bytes = frame(0x02, "ab") + frame(0x89, "ping") + frame(0x00, "cd") + frame(0x00, "") + frame(0x80, "ef") +
                            frame(0x81, "text") + frame(0x82, "") + frame(0x8a, "") + frame(0x82, medium) + frame(0x82, large);
  const std::vector<std::string> expected{"ping:ping", "b:abcdef", "t:text", "b:", "pong:", "b:" + medium, "b:" + large};
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{1000}, bytes.size()}) {
    INFO("pieces of " << piece);
    CHECK(decode(bytes, piece).events == expected);
  }
  CHECK(decode(bytes, 100, 1).events == expected);
}

TEST_CASE("websocket: a length in more bytes than it needs is taken") {
  CHECK(decode(std::string("\x82\xff\0\0\0\0\0\0\0\x02\0\0\0\0hi", 16), 5).events == std::vector<std::string>{"b:hi"});
}

TEST_CASE("websocket: the close frame is answered with its code alone") {
  CHECK(decode(frame(0x88, std::string("\x03\xe8", 2) + "bye"), 2).events == std::vector<std::string>{"close:\x03\xe8"});
  CHECK(decode(frame(0x88, ""), 2).events == std::vector<std::string>{"close:"});
  CHECK(decode(frame(0x88, "\x0f\xa0") + frame(0x82, "after"), 100).events == std::vector<std::string>{"close:\x0f\xa0"});
}

TEST_CASE("websocket: violations are named") {
  const auto reason = [](const std::string& bytes) {
    const Seen seen = decode(bytes, 3);
    REQUIRE(seen.events.size() == 1);
    REQUIRE(seen.events[0].starts_with("\x03\xea"));
    return seen.events[0].substr(2);
  };
  CHECK(reason("\x82\x01"
               "a") == "bad MASK");
  CHECK(reason(frame(0xc2, "a")) == "RSV1 set");
  CHECK(reason(frame(0xa2, "a")) == "RSV2 set");
  CHECK(reason(frame(0x85, "a")) == "bad opcode 5");
  CHECK(reason(frame(0x09, "a")) == "FIN not set on control");
  CHECK(reason(frame(0x89, std::string(126, 'a'))) == "len > 125 for control");
  CHECK(reason(frame(0x80, "a")) == "continuation after FIN");
  CHECK(reason(frame(0x88, "\x03\xee")) == "bad close code 1006");
  CHECK(reason(frame(0x88, "\x03\xe8\xff")) == "invalid utf8 payload in close frame");
  CHECK(reason(std::string("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14)) == "bad length");
  CHECK(decode(frame(0x02, "a") + frame(0x82, "b"), 100).events == std::vector<std::string>{"\x03\xea"
                                                                                            "data before FIN"});
}

TEST_CASE("websocket: whatever the pieces, random frames come back") {
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    std::string bytes;
    std::vector<std::string> expected;
    for (int i = 0; i < 10; ++i) {
      std::string payload(random() % 400, '\0');
      std::ranges::generate(payload, [&] { return static_cast<char>(random()); });
      const std::string mask{static_cast<char>(random()), static_cast<char>(random()), static_cast<char>(random()), 0};
      bytes += frame(0x82, payload, mask);
      expected.push_back("b:" + payload);
    }
    CHECK(decode(bytes, 1 + random() % 200, 1 + random() % 500).events == expected);
  }
}
