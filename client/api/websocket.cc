#include "client/api/websocket.h"

#include <sys/random.h>

#include <array>
#include <boost/uuid/detail/sha1.hpp>
#include <ctime>

#include "layers/base64.h"

namespace cobble::client {
namespace {

constexpr std::uint64_t frame_limit = 64 << 20;

template <std::size_t count>
std::array<unsigned char, count> random_bytes() {
  std::array<unsigned char, count> bytes{};
  if (getrandom(bytes.data(), bytes.size(), GRND_NONBLOCK) != static_cast<ssize_t>(count)) {
    // Early at boot there may be no randomness yet; masks only keep proxies from being confused, so the clock will do.
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<unsigned char>(now.tv_nsec >> (i % 4 * 7));
  }
  return bytes;
}

bool known(unsigned type) {
  return type <= 2 || (type >= 8 && type <= 10);
}

}  // namespace

std::string websocket_key() {
  const auto bytes = random_bytes<16>();
  return layers::encode_base64(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

std::string websocket_accept(std::string_view key) {
  static constexpr std::string_view magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  boost::uuids::detail::sha1 hash;
  hash.process_bytes(key.data(), key.size());
  hash.process_bytes(magic.data(), magic.size());
  unsigned int words[5];
  hash.get_digest(words);
  char digest[20];
  for (std::size_t i = 0; i < sizeof digest; ++i) digest[i] = static_cast<char>(words[i / 4] >> (24 - i % 4 * 8) & 0xFF);
  return layers::encode_base64(std::string_view(digest, sizeof digest));
}

std::string websocket_frame(FrameType type, std::string_view payload) {
  std::string frame;
  frame.reserve(payload.size() + 14);
  frame += static_cast<char>(0x80U | static_cast<unsigned>(type));
  const std::size_t size = payload.size();
  const int length_bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
  frame += static_cast<char>(0x80U | (length_bytes == 0 ? size : length_bytes == 2 ? 126U : 127U));
  for (int shift = (length_bytes - 1) * 8; shift >= 0; shift -= 8) frame += static_cast<char>(size >> shift & 255U);
  const auto mask = random_bytes<4>();
  for (const unsigned char byte : mask) frame += static_cast<char>(byte);
  const std::size_t begin = frame.size();
  frame += payload;
  for (std::size_t i = 0; i < size; ++i) frame[begin + i] = static_cast<char>(frame[begin + i] ^ mask[i % 4]);
  return frame;
}

std::expected<std::optional<Frame>, std::string> FrameReader::next() {
  const std::string_view seen = std::string_view(buffer_).substr(position_);
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(seen[i]); };
  const auto whole = [&](std::uint64_t size) { return seen.size() >= size; };
  const auto none = [&]() -> std::optional<Frame> {
    buffer_.erase(0, position_);
    position_ = 0;
    return std::nullopt;
  };
  if (!whole(2)) return none();
  const unsigned type = byte(0) & 15U;
  if ((byte(0) & 0x70U) != 0 || !known(type)) return std::unexpected("bad opcode");
  if ((byte(1) & 0x80U) != 0) return std::unexpected("bad MASK");
  std::uint64_t size = byte(1) & 127U;
  const std::size_t length_bytes = size == 126 ? 2 : size == 127 ? 8 : 0;
  if (!whole(2 + length_bytes)) return none();
  if (length_bytes > 0) size = 0;
  for (std::size_t i = 0; i < length_bytes; ++i) size = size << 8 | byte(2 + i);
  if (size > frame_limit) return std::unexpected("read limit exceeded");
  if (!whole(2 + length_bytes + size)) return none();
  Frame frame{static_cast<FrameType>(type), (byte(0) & 0x80U) != 0, std::string(seen.substr(2 + length_bytes, size))};
  position_ += 2 + length_bytes + size;
  return frame;
}

}  // namespace cobble::client
