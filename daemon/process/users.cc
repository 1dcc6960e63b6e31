#include "daemon/process/users.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <functional>
#include <limits>

#include "daemon/base/fd.h"
#include "layers/quote.h"

namespace cobble::process {

namespace {

/// A larger file is read up to here.
constexpr std::size_t file_limit = 16 * 1024 * 1024;

std::string read_file(const char* path) {
  const base::UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 16 * 1024> buffer;
  while (fd && text.size() < file_limit) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

using Fields = std::array<std::string_view, 7>;

/// The first line of a colon-separated file that `wanted` accepts.
std::optional<Fields> find_line(std::string_view text, std::size_t least_fields,
                                const std::function<bool(const Fields&)>& wanted) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    Fields fields;
    std::size_t count = 0;
    while (count < fields.size()) {
      const std::size_t colon = line.find(':');
      fields[count++] = line.substr(0, colon);
      if (colon == std::string_view::npos) break;
      line.remove_prefix(colon + 1);
    }
    if (count >= least_fields && !fields[0].empty() && fields[0][0] != '#' && wanted(fields)) return fields;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<User> user_where(const std::function<bool(const Fields&)>& wanted) {
  const std::string text = read_file("/etc/passwd");
  const auto line =
      find_line(text, 6, [&](const Fields& fields) { return number(fields[2]) && number(fields[3]) && wanted(fields); });
  if (!line) return std::nullopt;
  return User{std::string((*line)[0]), *number((*line)[2]), *number((*line)[3]), std::string((*line)[5])};
}

struct Group {
  std::string name;
  gid_t gid;
};

std::optional<Group> group_where(const std::function<bool(const Fields&)>& wanted) {
  const std::string text = read_file("/etc/group");
  const auto line = find_line(text, 3, [&](const Fields& fields) { return number(fields[2]) && wanted(fields); });
  if (!line) return std::nullopt;
  return Group{std::string((*line)[0]), *number((*line)[2])};
}

std::string text_of(std::int64_t id) {
  return std::to_string(id);
}

bool fits(std::int64_t id) {
  return id >= 0 && id < std::numeric_limits<std::uint32_t>::max();
}

}  // namespace

std::optional<User> find_user(std::string_view name) {
  return user_where([name](const Fields& fields) { return fields[0] == name; });
}

std::optional<User> find_user(uid_t uid) {
  return user_where([uid](const Fields& fields) { return number(fields[2]) == uid; });
}

std::optional<gid_t> find_group(std::string_view name) {
  const auto group = group_where([name](const Fields& fields) { return fields[0] == name; });
  return group ? std::optional(group->gid) : std::nullopt;
}

std::optional<std::string> find_group_name(gid_t gid) {
  const auto group = group_where([gid](const Fields& fields) { return number(fields[2]) == gid; });
  return group ? std::optional(group->name) : std::nullopt;
}

std::optional<std::string> find_user_name(uid_t uid) {
  const auto user = find_user(uid);
  return user ? std::optional(user->name) : std::nullopt;
}

std::expected<Credentials, std::string> resolve_credentials(std::string_view user, std::optional<std::int64_t> user_id,
                                                            std::string_view group, std::optional<std::int64_t> group_id) {
  Credentials result;
  if (user.empty() && !user_id && group.empty() && !group_id) {
    result.same_as_daemon = true;
    return result;
  }
  if (user_id && !fits(*user_id)) return std::unexpected("user: unknown userid " + text_of(*user_id));
  if (group_id && !fits(*group_id)) return std::unexpected("group: unknown groupid " + text_of(*group_id));
  if (!user.empty()) {
    result.user = find_user(user);
    if (!result.user) return std::unexpected("user: unknown user " + std::string(user));
    if (user_id && static_cast<uid_t>(*user_id) != result.user->uid) {
      return std::unexpected("user " + layers::quote(user) + " UID (" + text_of(result.user->uid) + ") does not match user-id (" +
                             text_of(*user_id) + ")");
    }
    result.uid = result.user->uid;
  } else if (user_id) {
    result.uid = static_cast<uid_t>(*user_id);
    result.user = find_user(*result.uid);
  }
  if (!group.empty()) {
    result.gid = find_group(group);
    if (!result.gid) return std::unexpected("group: unknown group " + std::string(group));
    if (group_id && static_cast<gid_t>(*group_id) != *result.gid) {
      return std::unexpected("group " + layers::quote(group) + " GID (" + text_of(*result.gid) + ") does not match group-id (" +
                             text_of(*group_id) + ")");
    }
  } else if (group_id) {
    result.gid = static_cast<gid_t>(*group_id);
  }
  if (!result.uid) return std::unexpected("must specify user, not just group");
  if (!result.gid) {
    if (!result.user) return std::unexpected("user: unknown userid " + text_of(*result.uid));
    result.gid = result.user->gid;
  }
  result.same_as_daemon = *result.uid == ::getuid() && *result.gid == ::getgid();
  return result;
}

}  // namespace cobble::process
