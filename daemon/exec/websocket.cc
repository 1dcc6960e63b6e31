#include "daemon/exec/websocket.h"

#include <algorithm>
#include <cstring>

#include "daemon/base/utf8.h"

namespace cobble::exec {

namespace {

constexpr std::uint16_t protocol_error = 1002;

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = base::utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool may_be_sent(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

unsigned byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

}  // namespace

FrameHead::FrameHead(Opcode opcode, std::size_t payload_size) {
  bytes_[0] = static_cast<char>(0x80U | static_cast<unsigned>(opcode));
  std::size_t length_bytes = 0;
  if (payload_size < 126) {
    bytes_[1] = static_cast<char>(payload_size);
  } else {
    length_bytes = payload_size <= 0xFFFF ? 2 : 8;
    bytes_[1] = static_cast<char>(length_bytes == 2 ? 126 : 127);
  }
  for (std::size_t i = 0; i < length_bytes; ++i)
    bytes_[2 + i] = static_cast<char>(static_cast<std::uint64_t>(payload_size) >> (8 * (length_bytes - 1 - i)) & 0xFF);
  size_ = 2 + length_bytes;
}

std::string close_payload(std::uint16_t code, std::string_view reason) {
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
  return payload.append(reason.substr(0, 123));
}

FrameDecoder::FrameDecoder(std::size_t buffer_size) : buffer_(std::max(buffer_size, max_control_payload + max_head)) {}

std::span<char> FrameDecoder::space() {
  if (used_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + used_, filled_ - used_);
    filled_ -= used_;
    used_ = 0;
  }
  return std::span(buffer_).subspan(filled_);
}

FrameDecoder::Event FrameDecoder::violate(std::string_view text) {
  over_ = true;
  answer_ = close_payload(protocol_error, text);
  payload_ = answer_;
  return Event::violation;
}

FrameDecoder::Event FrameDecoder::next() {
  if (over_) return Event::need_bytes;
  if (!in_frame_) {
    if (!take_head()) return Event::need_bytes;
    if (const std::string text = faults(); !text.empty()) return violate(text);
    in_frame_ = true;
  }
  return (first_byte_ & 0x08U) != 0 ? take_control() : take_data();
}

/// Reads the bytes before a payload; false when they aren't all there.
bool FrameDecoder::take_head() {
  const std::string_view bytes(buffer_.data() + used_, filled_ - used_);
  if (bytes.size() < 2) return false;
  const unsigned length_code = byte_at(bytes, 1) & 0x7FU;
  const std::size_t length_bytes = length_code == 126 ? 2 : length_code == 127 ? 8 : 0;
  masked_ = (byte_at(bytes, 1) & 0x80U) != 0;
  const std::size_t size = 2 + length_bytes + (masked_ ? 4 : 0);
  if (bytes.size() < size) return false;
  first_byte_ = static_cast<std::uint8_t>(byte_at(bytes, 0));
  frame_left_ = length_bytes == 0 ? length_code : 0;
  for (std::size_t i = 0; i < length_bytes; ++i) frame_left_ = frame_left_ << 8 | byte_at(bytes, 2 + i);
  for (std::size_t i = 0; masked_ && i < 4; ++i) mask_[i] = static_cast<unsigned char>(bytes[2 + length_bytes + i]);
  mask_at_ = 0;
  used_ += size;
  return true;
}

/// What is wrong with the frame whose head was read; empty when nothing is.
std::string FrameDecoder::faults() const {
  std::string text;
  const auto add = [&](std::string_view fault) { text.append(text.empty() ? "" : ", ").append(fault); };
  if ((first_byte_ & 0x40U) != 0) add("RSV1 set");
  if ((first_byte_ & 0x20U) != 0) add("RSV2 set");
  if ((first_byte_ & 0x10U) != 0) add("RSV3 set");
  const bool final = (first_byte_ & 0x80U) != 0;
  switch (const unsigned opcode = first_byte_ & 0x0FU; static_cast<Opcode>(opcode)) {
    case Opcode::close:
    case Opcode::ping:
    case Opcode::pong:
      if (frame_left_ > max_control_payload) add("len > 125 for control");
      if (!final) add("FIN not set on control");
      break;
    case Opcode::text:
    case Opcode::binary:
      if (in_message_) add("data before FIN");
      break;
    case Opcode::continuation:
      if (!in_message_) add("continuation after FIN");
      break;
    default:
      add("bad opcode " + std::to_string(opcode));
  }
  if (!masked_) add("bad MASK");
  if (frame_left_ >> 63 != 0) add("bad length");
  return text;
}

/// Takes the mask off the next bytes, which become the payload.
void FrameDecoder::unmask(std::size_t count) {
  char* bytes = buffer_.data() + used_;
  payload_ = {bytes, count};
  std::size_t i = 0;
  // Eight bytes at a time; the mask is turned to where the frame's payload stands.
  std::array<unsigned char, 8> wide{};
  for (std::size_t k = 0; k < wide.size(); ++k) wide[k] = mask_[(mask_at_ + k) & 3U];
  std::uint64_t key = 0;
  std::memcpy(&key, wide.data(), sizeof key);
  for (; i + 8 <= count; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + i, sizeof word);
    word ^= key;
    std::memcpy(bytes + i, &word, sizeof word);
  }
  for (; i < count; ++i) bytes[i] = static_cast<char>(static_cast<unsigned char>(bytes[i]) ^ wide[i & 7U]);
  mask_at_ = (mask_at_ + count) & 3U;
  used_ += count;
  frame_left_ -= count;
}

FrameDecoder::Event FrameDecoder::take_control() {
  if (filled_ - used_ < frame_left_) return Event::need_bytes;
  unmask(static_cast<std::size_t>(frame_left_));
  in_frame_ = false;
  const auto opcode = static_cast<Opcode>(first_byte_ & 0x0FU);
  if (opcode == Opcode::close) return take_close();
  return opcode == Opcode::ping ? Event::ping : Event::pong;
}

FrameDecoder::Event FrameDecoder::take_close() {
  if (payload_.size() >= 2) {
    const auto code = static_cast<std::uint16_t>(byte_at(payload_, 0) << 8 | byte_at(payload_, 1));
    if (!may_be_sent(code)) return violate("bad close code " + std::to_string(code));
    if (!is_utf8(payload_.substr(2))) return violate("invalid utf8 payload in close frame");
    answer_ = close_payload(code, {});
  }
  over_ = true;
  payload_ = answer_;
  return Event::close;
}

FrameDecoder::Event FrameDecoder::take_data() {
  const std::size_t there = filled_ - used_;
  if (there == 0 && frame_left_ > 0) return Event::need_bytes;
  const auto opcode = static_cast<Opcode>(first_byte_ & 0x0FU);
  if (opcode != Opcode::continuation) message_ = opcode;
  unmask(static_cast<std::size_t>(std::min<std::uint64_t>(there, frame_left_)));
  in_frame_ = frame_left_ > 0;
  const bool final = (first_byte_ & 0x80U) != 0;
  in_message_ = !final;
  message_ends_ = final && !in_frame_;
  return Event::data;
}

}  // namespace cobble::exec
