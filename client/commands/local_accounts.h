#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "layers/accounts.h"

namespace cobble::client {

/// The users and groups in this system's `/etc/passwd` and `/etc/group`, read once.
class LocalAccounts final : public layers::Accounts {
 public:
  LocalAccounts();

  std::optional<std::int64_t> user_id(std::string_view name) const override;
  bool has_user_id(std::int64_t uid) const override;
  std::optional<std::int64_t> group_id(std::string_view name) const override;

 private:
  using Ids = std::map<std::string, std::int64_t, std::less<>>;
  static Ids read_ids(const std::string& path);

  Ids users_;
  Ids groups_;
};

}  // namespace cobble::client
