#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

/// The client's half of RFC 6455: the handshake's values, frames out (masked) and in. Pure but for random masks.
namespace cobble::client {

/// A fresh `Sec-WebSocket-Key`.
std::string websocket_key();
/// The `Sec-WebSocket-Accept` that belongs to a key.
std::string websocket_accept(std::string_view key);

enum class FrameType : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// One masked, unfragmented frame.
std::string websocket_frame(FrameType type, std::string_view payload);

/// One frame that was received.
struct Frame {
  FrameType type = FrameType::binary;
  bool final = true;
  std::string payload;
};

/// Takes bytes as they come and gives frames.
class FrameReader {
 public:
  void add(std::string_view bytes) { buffer_ += bytes; }
  /// The next whole frame, if there is one. Fails on what no server may send: masked frames, unknown types, frames of more
  /// than 64 MiB.
  std::expected<std::optional<Frame>, std::string> next();

 private:
  std::string buffer_;
  std::size_t position_ = 0;
};

}  // namespace cobble::client
