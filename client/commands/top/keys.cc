#include "client/commands/top/keys.h"

#include <optional>

namespace cobble::client::top {
namespace {

/// What is meant by an escape sequence without its `\x1b[` or `\x1bO`.
std::optional<Key> key_of_sequence(std::string_view sequence) {
  if (sequence == "A") return Key::up;
  if (sequence == "B") return Key::down;
  if (sequence == "5~") return Key::older;
  if (sequence == "6~") return Key::newer;
  if (sequence == "F" || sequence == "4~" || sequence == "8~") return Key::newest;
  return std::nullopt;
}

std::optional<Key> key_of(char c) {
  switch (c) {
    case 'q':
    case 'Q':
    case '\x03':  // Ctrl-C
      return Key::quit;
    case 'k':
      return Key::up;
    case 'j':
      return Key::down;
    case 'u':
    case 'b':
      return Key::older;
    case 'd':
    case ' ':
      return Key::newer;
    case 'G':
      return Key::newest;
    case '\r':
    case '\n':
      return Key::filter;
    case 's':
      return Key::sort;
    case 'r':
      return Key::reverse;
    default:
      return std::nullopt;
  }
}

constexpr std::size_t longest_sequence = 16;

bool ends_sequence(char c) {
  return c >= '@' && c <= '~';
}

}  // namespace

std::vector<Key> KeyReader::feed(std::string_view bytes) {
  std::vector<Key> keys;
  for (const char c : bytes) {
    if (pending_.size() == 1 && c != '[' && c != 'O') pending_.clear();  // a lone escape key
    if (pending_.empty()) {
      if (c == '\x1b') {
        pending_ = c;
      } else if (const auto key = key_of(c)) {
        keys.push_back(*key);
      }
      continue;
    }
    pending_ += c;
    if (pending_.size() == 2) continue;
    if (ends_sequence(c)) {
      if (const auto key = key_of_sequence(std::string_view(pending_).substr(2))) keys.push_back(*key);
      pending_.clear();
    } else if (pending_.size() > longest_sequence) {
      pending_.clear();
    }
  }
  return keys;
}

}  // namespace cobble::client::top
