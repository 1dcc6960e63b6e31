#include "client/api/multipart.h"

#include <sys/random.h>

namespace cobble::client {
namespace {

constexpr std::size_t header_limit = 64 << 10;

/// The value of `name="…"` in a header of a part.
std::string field_name(std::string_view headers) {
  static constexpr std::string_view key = " name=\"";
  const auto begin = headers.find(key);
  if (begin == std::string_view::npos) return {};
  const auto end = headers.find('"', begin + key.size());
  return std::string(headers.substr(begin + key.size(), end - begin - key.size()));
}

}  // namespace

std::string multipart_boundary() {
  static constexpr char digits[] = "0123456789abcdef";
  unsigned char bytes[30] = {};
  std::string boundary;
  if (getrandom(bytes, sizeof bytes, 0) < 0) return std::string(60, '7');
  for (const unsigned char byte : bytes) boundary += {digits[byte >> 4], digits[byte & 15]};
  return boundary;
}

std::optional<std::string> boundary_of(std::string_view content_type) {
  if (!content_type.starts_with("multipart/form-data")) return std::nullopt;
  static constexpr std::string_view key = "boundary=";
  const auto begin = content_type.find(key);
  if (begin == std::string_view::npos) return std::nullopt;
  std::string_view value = content_type.substr(begin + key.size());
  if (value.starts_with('"')) {
    value.remove_prefix(1);
    value = value.substr(0, value.find('"'));
  } else {
    value = value.substr(0, value.find_first_of("; "));
  }
  if (value.empty()) return std::nullopt;
  return std::string(value);
}

bool MultipartReader::add(std::string_view piece) {
  buffer_ += piece;
  for (bool progress = true; progress && state_ != State::done;) {
    progress = false;
    if (!step(progress)) return false;
  }
  return true;
}

bool MultipartReader::step(bool& progress) {
  switch (state_) {
    case State::preamble:
    case State::content:
      return read_content(progress);
    case State::after_boundary: {
      if (buffer_.size() < 2) return true;
      if (buffer_.starts_with("--")) {
        state_ = State::done;
        return true;
      }
      if (!buffer_.starts_with("\r\n")) return false;
      state_ = State::headers;  // the line end stays: it also begins the empty line of a part without headers
      progress = true;
      return true;
    }
    case State::headers: {
      const auto end = buffer_.find("\r\n\r\n");
      if (end == std::string::npos) return buffer_.size() < header_limit;
      begin_(field_name(std::string_view(buffer_).substr(0, end)));
      buffer_.erase(0, end + 4);
      state_ = State::content;
      progress = true;
      return true;
    }
    case State::done:
      return true;
  }
  return false;
}

bool MultipartReader::read_content(bool& progress) {
  const auto found = buffer_.find(delimiter_);
  // What could be the beginning of a delimiter stays in the buffer.
  const std::size_t kept = delimiter_.size() - 1;
  const std::size_t sure = found != std::string::npos ? found : buffer_.size() > kept ? buffer_.size() - kept : 0;
  if (sure > 0 && state_ == State::content) data_(std::string_view(buffer_).substr(0, sure));
  buffer_.erase(0, sure);
  if (found == std::string::npos) return true;
  buffer_.erase(0, delimiter_.size());
  state_ = State::after_boundary;
  progress = true;
  return true;
}

}  // namespace cobble::client
