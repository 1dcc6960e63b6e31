#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cobble::layers {

/// Who tells users and groups to the validation of layers, which itself reads no files.
class Accounts {
 public:
  virtual ~Accounts() = default;
  /// The uid of a user name.
  virtual std::optional<std::int64_t> user_id(std::string_view name) const = 0;
  /// Whether a user with this uid exists.
  virtual bool has_user_id(std::int64_t uid) const = 0;
  /// The gid of a group name.
  virtual std::optional<std::int64_t> group_id(std::string_view name) const = 0;
};

/// Nobody exists; for validation without a system.
class NoAccounts final : public Accounts {
 public:
  std::optional<std::int64_t> user_id(std::string_view) const override { return std::nullopt; }
  bool has_user_id(std::int64_t) const override { return false; }
  std::optional<std::int64_t> group_id(std::string_view) const override { return std::nullopt; }
};

}  // namespace cobble::layers
