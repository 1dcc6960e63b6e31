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

constexpr std::size_t size_limit = 16 * 1024 * 1024;  // far beyond what any image holds

std::string read_file(const char* path) {
  std::string text;
  const base::UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return text;
  std::array<char, 16384> buffer;
  while (text.size() < size_limit) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Cuts `text` up to `separator` off and returns it.
std::string_view cut(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return part;
}

std::optional<User> parse_user(std::string_view line) {
  const auto name = cut(line, ':');
  cut(line, ':');
  const auto uid = parse_number<uid_t>(cut(line, ':'));
  const auto gid = parse_number<gid_t>(cut(line, ':'));
  cut(line, ':');
  if (name.empty() || name[0] == '#' || name[0] == '+' || name[0] == '-' || !uid || !gid) return std::nullopt;
  return User{std::string(name), *uid, *gid, std::string(cut(line, ':'))};
}

struct Group {
  std::string name;
  gid_t gid = 0;
};

std::optional<Group> parse_group(std::string_view line) {
  const auto name = cut(line, ':');
  cut(line, ':');
  const auto gid = parse_number<gid_t>(cut(line, ':'));
  if (name.empty() || name[0] == '#' || name[0] == '+' || name[0] == '-' || !gid) return std::nullopt;
  return Group{std::string(name), *gid};
}

template <typename Entry>
std::optional<Entry> find_entry(const char* path, std::optional<Entry> (*parse)(std::string_view),
                                const std::function<bool(const Entry&)>& wanted) {
  const std::string text = read_file(path);
  for (std::string_view rest = text; !rest.empty();) {
    auto entry = parse(cut(rest, '\n'));
    if (entry && wanted(*entry)) return entry;
  }
  return std::nullopt;
}

std::optional<Group> find_group_entry(const std::function<bool(const Group&)>& wanted) {
  return find_entry<Group>("/etc/group", parse_group, wanted);
}

/// The last number stands for "no change" in system calls.
bool fits(std::int64_t id) {
  return id >= 0 && id < std::numeric_limits<uid_t>::max();
}

/// What the user words of a plan name: a passwd entry, or a bare number.
std::expected<void, std::string> resolve_user(std::string_view name, std::optional<std::int64_t> id, bool group_given,
                                              Credentials& result) {
  if (!name.empty()) {
    result.user = find_user(name);
    if (!result.user) return std::unexpected("user: unknown user " + std::string(name));
    if (id && *id != result.user->uid)
      return std::unexpected("user " + layers::quote(name) + " UID (" + std::to_string(result.user->uid) +
                             ") does not match user-id (" + std::to_string(*id) + ")");
    result.uid = result.user->uid;
  } else {
    result.uid = static_cast<uid_t>(*id);
    result.user = find_user(*result.uid);
    if (!result.user && !group_given) return std::unexpected("user: unknown userid " + std::to_string(*id));
  }
  return {};
}

std::expected<gid_t, std::string> resolve_group(std::string_view name, std::optional<std::int64_t> id) {
  if (name.empty()) return static_cast<gid_t>(*id);
  const auto gid = find_group(name);
  if (!gid) return std::unexpected("group: unknown group " + std::string(name));
  if (id && *id != *gid)
    return std::unexpected("group " + layers::quote(name) + " GID (" + std::to_string(*gid) + ") does not match group-id (" +
                           std::to_string(*id) + ")");
  return *gid;
}

}  // namespace

std::optional<User> find_user(std::string_view name) {
  return find_entry<User>("/etc/passwd", parse_user, [&](const User& user) { return user.name == name; });
}

std::optional<User> find_user(uid_t uid) {
  return find_entry<User>("/etc/passwd", parse_user, [&](const User& user) { return user.uid == uid; });
}

std::optional<gid_t> find_group(std::string_view name) {
  const auto group = find_group_entry([&](const Group& entry) { return entry.name == name; });
  return group ? std::optional(group->gid) : std::nullopt;
}

std::optional<std::string> find_group_name(gid_t gid) {
  const auto group = find_group_entry([&](const Group& entry) { return entry.gid == gid; });
  return group ? std::optional(group->name) : std::nullopt;
}

std::optional<std::string> find_user_name(uid_t uid) {
  const auto user = find_user(uid);
  return user ? std::optional(user->name) : std::nullopt;
}

std::expected<Credentials, std::string> resolve_credentials(std::string_view user, std::optional<std::int64_t> user_id,
                                                            std::string_view group, std::optional<std::int64_t> group_id) {
  Credentials result;
  const bool user_given = !user.empty() || user_id;
  const bool group_given = !group.empty() || group_id;
  if (!user_given && !group_given) return result;
  if (user_id && !fits(*user_id)) return std::unexpected("user: unknown userid " + std::to_string(*user_id));
  if (group_id && !fits(*group_id)) return std::unexpected("group: unknown groupid " + std::to_string(*group_id));
  if (user_given)
    if (const auto found = resolve_user(user, user_id, group_given, result); !found) return std::unexpected(found.error());
  if (group_given) {
    const auto gid = resolve_group(group, group_id);
    if (!gid) return std::unexpected(gid.error());
    result.gid = *gid;
  } else {
    result.gid = result.user->gid;
  }
  if (!user_given) return std::unexpected("must specify user, not just group");
  result.same_as_daemon = *result.uid == ::geteuid() && *result.gid == ::getegid();
  return result;
}

}  // namespace cobble::process
