#include "client/commands/local_accounts.h"

#include <algorithm>
#include <charconv>

#include "client/commands/local_file.h"

namespace cobble::client {

/// Names and IDs of lines `name:…:id:…`.
LocalAccounts::Ids LocalAccounts::read_ids(const std::string& path) {
  Ids ids;
  const std::string text = read_local_file(path).value_or("");
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    const auto name_end = line.find(':');
    const auto id_begin = name_end == std::string_view::npos ? name_end : line.find(':', name_end + 1);
    if (id_begin == std::string_view::npos) continue;
    std::int64_t id = 0;
    const std::string_view digits = line.substr(id_begin + 1);
    if (std::from_chars(digits.data(), digits.data() + digits.size(), id).ec == std::errc())
      ids.emplace(line.substr(0, name_end), id);
  }
  return ids;
}

LocalAccounts::LocalAccounts() : users_(read_ids("/etc/passwd")), groups_(read_ids("/etc/group")) {}

std::optional<std::int64_t> LocalAccounts::user_id(std::string_view name) const {
  const auto found = users_.find(name);
  return found == users_.end() ? std::nullopt : std::optional(found->second);
}

bool LocalAccounts::has_user_id(std::int64_t uid) const {
  return std::ranges::any_of(users_, [&](const auto& user) { return user.second == uid; });
}

std::optional<std::int64_t> LocalAccounts::group_id(std::string_view name) const {
  const auto found = groups_.find(name);
  return found == groups_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace cobble::client
