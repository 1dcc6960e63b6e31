#include "daemon/process/accounts.h"

#include <limits>

#include "daemon/process/users.h"

namespace cobble::process {

namespace {

class SystemAccounts final : public layers::Accounts {
 public:
  std::optional<std::int64_t> user_id(std::string_view name) const override {
    const auto user = find_user(name);
    return user ? std::optional<std::int64_t>(user->uid) : std::nullopt;
  }
  bool has_user_id(std::int64_t uid) const override {
    return uid >= 0 && uid < std::numeric_limits<std::uint32_t>::max() && find_user(static_cast<uid_t>(uid)).has_value();
  }
  std::optional<std::int64_t> group_id(std::string_view name) const override {
    const auto gid = find_group(name);
    return gid ? std::optional<std::int64_t>(*gid) : std::nullopt;
  }
};

}  // namespace

const layers::Accounts& system_accounts() {
  static const SystemAccounts accounts;
  return accounts;
}

}  // namespace cobble::process
