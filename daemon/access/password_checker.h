#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/base/loop.h"

namespace cobble::access {

/// Checks passwords on the blocking pool and remembers the last answers, so that a client that sends its password with each
/// request costs one hash. On the loop's thread.
class PasswordChecker {
 public:
  explicit PasswordChecker(base::IoContext& loop);

  /// The remembered answer for a stored hash and a password; none when it has to be computed.
  std::optional<bool> known(std::string_view stored, std::string_view password) const;
  /// Computes the answer, a few at a time; false at once when too many wait already.
  base::Task<bool> check(std::string stored, std::string password);

 private:
  std::string digest(std::string_view stored, std::string_view password) const;
  void remember(std::string digest, bool matches);

  std::array<unsigned char, 32> key_{};  ///< random, so that what is remembered tells nothing of the passwords
  bool keyed_ = false;
  std::map<std::string, bool, std::less<>> answers_;
  std::deque<std::string> order_;  ///< of the answers, oldest first
  base::Event turn_;
  int running_ = 0;
  int waiting_ = 0;
};

}  // namespace cobble::access
