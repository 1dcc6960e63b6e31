#include "daemon/api/notice_request.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "daemon/api/text.h"
#include "daemon/base/json.h"
#include "layers/duration.h"
#include "layers/quote.h"

namespace cobble::api {

namespace {

constexpr std::size_t longest_key = 256;
constexpr std::size_t longest_data = 4096;
constexpr std::array<std::string_view, 3> known_types{"custom", "change-update", "warning"};

/// `[a-z0-9]+(-[a-z0-9]+)*`
bool is_label(std::string_view label) {
  if (label.empty() || label.front() == '-' || label.back() == '-' || label.contains("--")) return false;
  return std::ranges::all_of(label, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

/// Whether there are at least `least` labels with `separator` between them.
bool are_labels(std::string_view text, char separator, std::size_t least) {
  std::size_t count = 0;
  while (true) {
    const std::size_t end = text.find(separator);
    if (!is_label(text.substr(0, end))) return false;
    ++count;
    if (end == std::string_view::npos) return count >= least;
    text.remove_prefix(end + 1);
  }
}

/// The end of the JSON value that begins at `start`; what stands there is valid.
std::size_t value_end(std::string_view json, std::size_t start) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = start; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
        if (depth == 0) return i + 1;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return i;
      if (--depth == 0) return i + 1;
    } else if (depth == 0 && (c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
      return i;
    }
  }
  return json.size();
}

std::size_t skip(std::string_view json, std::size_t at, std::string_view characters) {
  return std::min(json.find_first_not_of(characters, at), json.size());
}

std::optional<base::Error> read_user_id(const Query& query, state::NoticeFilter& filter) {
  const std::vector<std::string> given = query.list("user-id");
  const std::string prefix = "invalid \"user-id\" filter: ";
  if (given.size() != 1) return base::Error{400, prefix + "must only include one \"user-id\"", {}};
  const std::string& text = given[0];
  const std::string_view digits = std::string_view(text).substr(text[0] == '-' || text[0] == '+' ? 1 : 0);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) {
    return base::Error{400, prefix + "strconv.ParseInt: parsing " + layers::quote(text) + ": invalid syntax", {}};
  }
  const std::string_view number = digits.substr(std::min(digits.find_first_not_of('0'), digits.size() - 1));
  if (number.size() > 18) {
    return base::Error{400, prefix + "strconv.ParseInt: parsing " + layers::quote(text) + ": value out of range", {}};
  }
  const std::int64_t value = (text[0] == '-' ? -1 : 1) * std::stoll(std::string(number));
  if (value < 0 || value > std::numeric_limits<std::uint32_t>::max()) {
    return base::Error{400, prefix + "user ID is not a valid uint32: " + std::to_string(value), {}};
  }
  filter.user_id = static_cast<std::uint32_t>(value);
  return std::nullopt;
}

/// A map of texts that stands by itself; a null in it is an empty text. The error names the first value of another type.
std::optional<std::string> read_texts(const nlohmann::json& value, std::map<std::string, std::string>& out) {
  const auto wrong_type = [](const nlohmann::json& found, std::string_view wanted) {
    return "json: cannot unmarshal " + std::string(base::json_kind(found)) + " into Go value of type " + std::string(wanted);
  };
  if (!value.is_object()) return wrong_type(value, "map[string]string");
  std::optional<std::string> fault;
  for (const auto& [key, item] : value.items()) {
    if (!item.is_string() && !item.is_null()) {
      if (!fault) fault = wrong_type(item, "string");
      continue;
    }
    out[key] = item.is_string() ? item.get<std::string>() : std::string();
  }
  return fault;
}

/// Whose notices: the caller's own and public ones, unless an admin asks for others.
std::optional<base::Error> read_users(const Query& query, const access::RequestUser& user, state::NoticeFilter& filter) {
  const bool admin = user.level == access::Level::admin;
  filter.user_id = user.uid;
  if (query.has("user-id")) {
    if (!admin) return base::Error{403, "only admins may use the \"user-id\" filter", {}};
    if (auto error = read_user_id(query, filter)) return error;
  }
  if (query.has("users")) {
    if (!admin) return base::Error{403, "only admins may use the \"users\" filter", {}};
    if (query.has("user-id")) return base::Error{400, "cannot use both \"users\" and \"user-id\" parameters", {}};
    const std::vector<std::string> given = query.list("users");
    if (given.size() != 1 || given[0] != "all") return base::Error{400, "invalid \"users\" filter: must be \"all\"", {}};
    filter.user_id.reset();
  }
  return std::nullopt;
}

}  // namespace

bool is_notice_key(std::string_view key) {
  const std::size_t slash = key.find('/');
  return slash != std::string_view::npos && are_labels(key.substr(0, slash), '.', 2) && are_labels(key.substr(slash + 1), '/', 1);
}

std::size_t member_length(std::string_view json, std::string_view key) {
  constexpr std::string_view blanks = " \t\r\n";
  std::size_t length = 0;
  std::size_t at = skip(json, 0, blanks);
  if (at >= json.size() || json[at] != '{') return 0;
  ++at;
  while (true) {
    at = skip(json, at, " \t\r\n,");
    if (at >= json.size() || json[at] != '"') return length;
    const std::size_t name_end = value_end(json, at);
    const std::string_view name = json.substr(at + 1, name_end - at - 2);
    const std::size_t value = skip(json, name_end, " \t\r\n:");
    at = value_end(json, value);
    if (equal_ignoring_case(name, key)) length = at - value;
    if (at == value) return length;
  }
}

Result<AddedNotice> parse_added_notice(std::string_view body) {
  const auto value = base::parse_json(body);
  if (!value) return base::bad_request("cannot decode request body: " + value.error());
  std::string action;
  std::string type;
  std::string repeat_after;
  AddedNotice notice;
  base::JsonFields fields(*value);
  fields.read("action", action);
  fields.read("type", type);
  fields.read("key", notice.key);
  fields.read("repeat-after", repeat_after);
  if (fields.error()) return base::bad_request("cannot decode request body: " + *fields.error());
  if (action != "add") return base::bad_request("invalid action " + layers::quote(action));
  if (type != "custom") return base::bad_request("invalid type " + layers::quote(type) + " (can only add \"custom\" notices)");
  if (!is_notice_key(notice.key)) {
    return base::bad_request("invalid key " + layers::quote(notice.key) + " (must be in \"example.com/path\" format)");
  }
  if (notice.key.size() > longest_key) return base::bad_request("key must be 256 bytes or less");
  if (!repeat_after.empty()) {
    const auto duration = layers::parse_duration(repeat_after);
    if (!duration) return base::bad_request("invalid repeat-after: " + duration.error());
    notice.repeat_after = *duration;
  }
  if (member_length(body, "data") > longest_data) return base::bad_request("total size of data must be 4096 bytes or less");
  base::JsonFields fields_of_data(*value);
  if (const auto* data = fields_of_data.find("data"); data != nullptr) {
    if (const auto fault = read_texts(*data, notice.data)) return base::bad_request("cannot decode notice data: " + *fault);
  }
  return notice;
}

Result<NoticeQuery> parse_notice_query(const Query& query, const access::RequestUser& user) {
  if (!user.uid) return base::fail(403, "cannot determine UID of request, so cannot retrieve notices");
  NoticeQuery result;
  if (auto error = read_users(query, user, result.filter)) return std::unexpected(std::move(*error));
  const std::vector<std::string> types = query.list("types");
  for (const std::string& type : types) {
    if (std::ranges::find(known_types, type) != known_types.end()) result.filter.types.push_back(type);
  }
  if (!types.empty() && result.filter.types.empty()) {
    result.nothing = true;
    return result;
  }
  result.filter.keys = query.list("keys");
  if (const std::string_view after = query.get("after"); !after.empty()) {
    const auto time = base::parse_time(after);
    if (!time) return base::bad_request("invalid \"after\" timestamp: " + time.error());
    result.filter.after = *time;
  }
  if (const std::string_view timeout = query.get("timeout"); !timeout.empty()) {
    const auto duration = layers::parse_duration(timeout);
    if (!duration) return base::bad_request("invalid timeout: " + duration.error());
    result.timeout = *duration;
  }
  return result;
}

}  // namespace cobble::api
