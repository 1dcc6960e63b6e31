#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/access/identities.h"
#include "daemon/base/time.h"

/// Pairing: for a short while, whoever shows a certificate becomes an admin (contract 08, section 2.13). Without I/O or a clock.
namespace cobble::access {

/// The window in which pairing is possible. The mode is the plan's: `disabled`, `single`, `multiple` or empty (disabled).
class PairingWindow {
 public:
  /// Whether somebody has ever been paired; never becomes false again.
  bool paired() const { return paired_; }
  void set_paired() { paired_ = true; }

  const std::string& mode() const { return mode_; }
  /// Takes the plan's mode over; another one than before closes the window.
  void set_mode(std::string_view mode);

  /// Opens the window until `end`, or moves its end. `mode` holds for this time instead of the plan's, unless the plan says
  /// `disabled`; empty: the plan's. The error is the contract's text.
  std::expected<void, std::string> open(base::SteadyTime end, std::string_view mode = {});
  void close() { end_.reset(); }
  bool is_open(base::SteadyTime now) const { return end_ && now < *end_; }
  /// When it closes; none when it is closed.
  std::optional<base::SteadyTime> end() const { return end_; }

 private:
  std::string mode_;
  bool paired_ = false;
  std::optional<base::SteadyTime> end_;
};

/// The name for the next paired client: `user-N` with the lowest free N from 1 to 1000.
std::expected<std::string, std::string> next_pairing_name(const Identities& identities);

}  // namespace cobble::access
