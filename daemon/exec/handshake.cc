#include "daemon/exec/handshake.h"

#include <array>
#include <openssl/evp.h>

#include "daemon/base/text.h"

namespace cobble::exec {

namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// Whether one of the comma-separated tokens of all lines of a header is `token`.
bool has_token(const Headers& headers, std::string_view name, std::string_view token) {
  for (const auto& [key, value] : headers) {
    if (!base::equal_ignoring_case(key, name)) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const std::size_t comma = rest.find(',');
      if (base::equal_ignoring_case(base::trim(rest.substr(0, comma)), token)) return true;
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
  }
  return false;
}

/// Base64 of 16 bytes.
bool is_key(std::string_view key) {
  std::array<unsigned char, 18> decoded{};
  return key.size() == 24 && key.ends_with("==") && key.find('=') == 22 &&
         EVP_DecodeBlock(decoded.data(), reinterpret_cast<const unsigned char*>(key.data()), static_cast<int>(key.size())) == 18;
}

}  // namespace

std::expected<std::string, std::string> accept_handshake(const Headers& headers) {
  if (!has_token(headers, "Connection", "upgrade")) return std::unexpected("'upgrade' token not found in 'Connection' header");
  if (!has_token(headers, "Upgrade", "websocket")) return std::unexpected("'websocket' token not found in 'Upgrade' header");
  if (!has_token(headers, "Sec-WebSocket-Version", "13"))
    return std::unexpected("unsupported version: 13 not found in 'Sec-WebSocket-Version' header");
  std::string key;
  for (const auto& [name, value] : headers) {
    if (base::equal_ignoring_case(name, "Sec-WebSocket-Key")) key = base::trim(value);
  }
  if (!is_key(key)) return std::unexpected("'Sec-WebSocket-Key' header must be the Base64 encoding of 16 bytes");
  key += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(key.data(), key.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1)
    return std::unexpected("no SHA-1 digest available");
  std::array<unsigned char, 4 * (EVP_MAX_MD_SIZE / 3 + 1) + 1> text{};
  const int length = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(size));
  return std::string(reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(length));
}

}  // namespace cobble::exec
