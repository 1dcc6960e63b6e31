#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The server's side of the websocket protocol (RFC 6455) as values: no I/O. Frames go out whole and unfragmented; what comes in
/// is given in pieces as it arrives, so that messages of any size take a fixed buffer.
namespace cobble::exec {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// The bytes before the payload of an outgoing frame.
class FrameHead {
 public:
  FrameHead(Opcode opcode, std::size_t payload_size);
  std::string_view bytes() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, 10> bytes_{};
  std::size_t size_ = 2;
};

/// The payload of a close frame.
std::string close_payload(std::uint16_t code, std::string_view reason);

/// Takes the client's frames apart.
///
///     while (true) switch (decoder.next()) {
///       case Event::need_bytes: read into decoder.space(); decoder.took(count); break;
///       case Event::data: … decoder.payload(), decoder.is_text(), decoder.message_ends() …
class FrameDecoder {
 public:
  enum class Event {
    need_bytes,  ///< nothing more can be said before `took`
    data,        ///< a piece of a text or binary message; may be empty when the message ends
    ping,        ///< `payload()` is to be sent back
    pong,
    close,      ///< `payload()` is what to answer with (the same code, no reason, or nothing); nothing follows
    violation,  ///< `payload()` is for the close frame that says so (1002 and a text); nothing follows
  };

  explicit FrameDecoder(std::size_t buffer_size);

  /// Valid for the event until the next call of anything here.
  Event next();
  std::string_view payload() const { return payload_; }
  bool is_text() const { return message_ == Opcode::text; }
  bool message_ends() const { return message_ends_; }

  /// Room for more bytes, never empty after `need_bytes`.
  std::span<char> space();
  void took(std::size_t count) { filled_ += count; }

 private:
  static constexpr std::size_t max_control_payload = 125;
  static constexpr std::size_t max_head = 14;

  bool take_head();
  std::string faults() const;
  Event take_control();
  Event take_data();
  Event take_close();
  Event violate(std::string_view text);
  void unmask(std::size_t count);

  std::vector<char> buffer_;
  std::size_t used_ = 0;
  std::size_t filled_ = 0;

  bool in_frame_ = false;
  bool over_ = false;
  std::uint8_t first_byte_ = 0;
  bool masked_ = false;
  std::array<unsigned char, 4> mask_{};
  std::uint64_t frame_left_ = 0;  ///< bytes of the frame's payload not given yet
  std::size_t mask_at_ = 0;

  bool in_message_ = false;  ///< a fragmented message isn't complete
  Opcode message_ = Opcode::binary;
  bool message_ends_ = false;
  std::string_view payload_;
  std::string answer_;
};

}  // namespace cobble::exec
