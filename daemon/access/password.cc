#include "daemon/access/password.h"

#include <crypt.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <openssl/crypto.h>

namespace cobble::access {

namespace {

constexpr std::string_view prefix = "$6$";
constexpr std::string_view rounds_prefix = "rounds=";
constexpr std::size_t max_salt_size = 16;
constexpr std::size_t digest_size = 86;
constexpr unsigned long min_rounds = 1000;

bool digest_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '/';
}

/// `N` of `rounds=N` as the hash function itself would write it: no leading zero, within the limits.
bool usable_rounds(std::string_view text) {
  unsigned long rounds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rounds);
  return error == std::errc() && end == text.data() + text.size() && text.front() != '0' && rounds >= min_rounds &&
         rounds <= max_password_rounds;
}

}  // namespace

bool usable_password_hash(std::string_view stored) {
  if (!stored.starts_with(prefix)) return false;
  stored.remove_prefix(prefix.size());
  if (stored.starts_with(rounds_prefix)) {
    stored.remove_prefix(rounds_prefix.size());
    const std::size_t end = stored.find('$');
    if (end == std::string_view::npos || end == 0 || !usable_rounds(stored.substr(0, end))) return false;
    stored.remove_prefix(end + 1);
  }
  const std::size_t end = stored.find('$');
  if (end == std::string_view::npos || end == 0 || end > max_salt_size) return false;
  const std::string_view digest = stored.substr(end + 1);
  return digest.size() == digest_size && std::ranges::all_of(digest, digest_character);
}

bool password_matches(const std::string& stored, const std::string& password) {
  if (!usable_password_hash(stored) || password.size() > max_password_size || password.find('\0') != std::string::npos)
    return false;
  // 32 KiB: too much for a small stack.
  const auto work = std::make_unique<crypt_data>();
  const char* made = ::crypt_r(password.c_str(), stored.c_str(), work.get());
  const std::string_view result(made == nullptr ? "" : made);
  const bool same = result.size() == stored.size() && CRYPTO_memcmp(result.data(), stored.data(), stored.size()) == 0;
  OPENSSL_cleanse(work.get(), sizeof(crypt_data));
  return same;
}

}  // namespace cobble::access
