#pragma once

#include <string>
#include <string_view>

/// Passwords as identities store them: SHA-crypt with SHA-512 (contract 08, section 2.10). Pure, but slow on purpose: call it
/// away from the event loop.
namespace cobble::access {

/// Most rounds that a stored hash may ask for; what asks for more never matches.
inline constexpr unsigned long max_password_rounds = 5'000'000;
/// Longest password in bytes; the hash function takes no more.
inline constexpr std::size_t max_password_size = 511;

/// Whether `stored` has the form of a hash that some password can match: `$6$salt$…` or `$6$rounds=N$salt$…` in canonical form,
/// 86 characters of hash at the end.
bool usable_password_hash(std::string_view stored);

/// Whether `password` is the one that `stored` was made of. Compares in constant time.
bool password_matches(const std::string& stored, const std::string& password);

}  // namespace cobble::access
