#include "daemon/access/identities.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "daemon/access/certificate.h"
#include "daemon/access/decision.h"
#include "daemon/access/pem.h"
#include "daemon/base/json.h"
#include "daemon/base/json_writer.h"
#include "layers/quote.h"

namespace cobble::access {

namespace {

using layers::IdentityEntries;
using layers::IdentityEntry;
using layers::quote;
using nlohmann::json;

constexpr std::string_view level_choice = "\"admin\", \"read\", \"metrics\", or \"untrusted\"";
constexpr std::string_view hidden = "*****";

bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::unexpected<std::string> wrong_type(const json& value, std::string_view where, std::string_view type) {
  std::string kind(base::json_kind(value));
  if (value.is_number()) kind += ' ' + base::dump_json(value);
  return std::unexpected("json: cannot unmarshal " + kind + " into Go struct field " + std::string(where) + " of type " +
                         std::string(type));
}

std::expected<void, std::string> read_user_id(const json& local, IdentityEntry& entry) {
  const json* value = base::JsonFields(local).find("user-id");
  if (value == nullptr) return {};
  if (!value->is_number_unsigned() || value->get<std::uint64_t>() > std::numeric_limits<std::uint32_t>::max())
    return wrong_type(*value, "apiLocalIdentity.identities.local.user-id", "uint32");
  entry.user_id = static_cast<std::uint32_t>(value->get<std::uint64_t>());
  return {};
}

/// `basic` or `cert`: an object with one text.
std::expected<void, std::string> read_holder(const json& value, std::string_view where, std::string_view key,
                                             std::optional<std::string>& out) {
  if (!value.is_object()) return wrong_type(value, where, "object");
  base::JsonFields fields(value);
  fields.read(key, out.emplace());
  if (fields.error()) return std::unexpected(*fields.error());
  return {};
}

/// Reads one identity in JSON form; the errors are those of type.
std::expected<IdentityEntry, std::string> read_entry(const json& value) {
  if (!value.is_object()) return wrong_type(value, ".identities", "object");
  IdentityEntry entry;
  base::JsonFields fields(value);
  fields.read("access", entry.access);
  if (fields.error()) return std::unexpected(*fields.error());
  std::expected<void, std::string> done;
  if (const json* local = fields.find("local")) {
    if (!local->is_object()) return wrong_type(*local, ".identities.local", "object");
    entry.local = true;
    done = read_user_id(*local, entry);
  }
  if (const json* basic = fields.find("basic"); basic != nullptr && done)
    done = read_holder(*basic, ".identities.basic", "password", entry.password);
  if (const json* cert = fields.find("cert"); cert != nullptr && done)
    done = read_holder(*cert, ".identities.cert", "pem", entry.pem);
  if (!done) return std::unexpected(std::move(done.error()));
  return entry;
}

std::expected<IdentityEntries, std::string> read_entries(const json& object) {
  IdentityEntries entries;
  for (const auto& [name, value] : object.items()) {
    if (value.is_null()) {
      entries[name] = std::nullopt;
      continue;
    }
    auto entry = read_entry(value);
    if (!entry) return std::unexpected(std::move(entry.error()));
    entries[name] = std::move(*entry);
  }
  return entries;
}

/// Row 6: one UID, one identity.
std::expected<void, std::string> check_unique_user_ids(const Identities& identities) {
  std::map<std::uint32_t, std::vector<std::string>> users;
  for (const auto& [name, identity] : identities) {
    if (identity.user_id) users[*identity.user_id].push_back(name);
  }
  for (const auto& [user_id, names] : users) {
    if (names.size() > 1)
      return std::unexpected("cannot have multiple identities with user ID " + std::to_string(user_id) + " (" + joined(names) +
                             ")");
  }
  return {};
}

/// Row 5: the names in the request that are, or are not, among the current ones.
std::vector<std::string> names_that(bool exist, const Identities& current, const IdentityMap& request) {
  std::vector<std::string> names;
  for (const auto& [name, identity] : request) {
    if (current.contains(name) == exist) names.push_back(name);
  }
  return names;
}

std::string to_json(const Identities& identities, bool secrets) {
  base::JsonWriter json;
  json.begin_object();
  for (const auto& [name, identity] : identities) {
    json.key(name);
    json.begin_object();
    json.field("access", level_word(identity.level));
    if (identity.user_id) {
      json.key("local");
      json.begin_object();
      json.field("user-id", *identity.user_id);
      json.end_object();
    }
    if (identity.password) {
      json.key("basic");
      json.begin_object();
      json.field("password", secrets ? std::string_view(*identity.password) : hidden);
      json.end_object();
    }
    if (identity.certificate_der) {
      json.key("cert");
      json.begin_object();
      json.field("pem", secrets ? write_pem_block("CERTIFICATE", *identity.certificate_der) : std::string(hidden));
      json.end_object();
    }
    json.end_object();
  }
  json.end_object();
  return json.take();
}

}  // namespace

bool valid_name(std::string_view name) {
  if (name.empty() || !letter(name.front())) return false;
  return std::ranges::all_of(name, [](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-'; });
}

std::expected<Identity, std::string> check_identity(std::string_view name, const IdentityEntry& entry) {
  Identity identity;
  if (entry.local && !entry.user_id) return std::unexpected("local identity must specify user-id");
  identity.user_id = entry.user_id;
  if (entry.pem) {
    auto der = certificate_from_pem(*entry.pem);
    if (!der) return std::unexpected(std::move(der.error()));
    identity.certificate_der = std::move(*der);
  }
  if (!valid_name(name))
    return std::unexpected("identity name " + quote(name) +
                           " invalid: must start with an alphabetic character and only contain alphanumeric characters, "
                           "underscore, and hyphen");
  if (entry.access.empty()) return std::unexpected("access value must be specified (" + std::string(level_choice) + ")");
  const auto level = level_from_word(entry.access);
  if (!level) return std::unexpected("invalid access value " + quote(entry.access) + ", must be " + std::string(level_choice));
  identity.level = *level;
  if (entry.password && entry.password->empty()) return std::unexpected("basic identity must specify password (hashed)");
  identity.password = entry.password;
  if (!identity.user_id && !identity.password && !identity.certificate_der)
    return std::unexpected("identity must have at least one type (\"local\", \"basic\", or \"cert\")");
  return identity;
}

std::expected<IdentityMap, std::string> check_identities(const IdentityEntries& entries) {
  IdentityMap identities;
  for (const auto& [name, entry] : entries) {
    auto& place = identities[name];
    if (!entry) continue;
    auto identity = check_identity(name, *entry);
    if (!identity) return std::unexpected("invalid identity for " + quote(name) + ": " + identity.error());
    place = std::move(*identity);
  }
  return identities;
}

std::expected<IdentityRequest, std::string> parse_identity_request(std::string_view body) {
  const auto wrong = [](const std::string& detail) { return std::unexpected("cannot decode request body: " + detail); };
  const auto value = base::parse_json(body);
  if (!value) return wrong(value.error());
  IdentityRequest request;
  base::JsonFields fields(*value);
  fields.read("action", request.action);
  if (fields.error()) return wrong(*fields.error());
  const json* identities = fields.find("identities");
  if (identities == nullptr) return request;
  if (!identities->is_object()) return wrong(wrong_type(*identities, ".identities", "object").error());
  const auto entries = read_entries(*identities);
  if (!entries) return wrong(entries.error());
  auto checked = check_identities(*entries);
  if (!checked) return std::unexpected(std::move(checked.error()));
  request.identities = std::move(*checked);
  return request;
}

std::expected<IdentityAction, std::string> check_action(const IdentityRequest& request) {
  const std::string& word = request.action;
  if (word == "replace") return IdentityAction::replace;
  if (word != "add" && word != "update" && word != "remove")
    return std::unexpected("invalid action " + quote(word) + ", must be \"add\", \"update\", \"replace\", or \"remove\"");
  for (const auto& [name, identity] : request.identities) {
    if (word == "remove" && identity)
      return std::unexpected("identity value for " + quote(name) + " must be null for remove operation");
    if (word != "remove" && !identity)
      return std::unexpected("identity value for " + quote(name) + " must not be null for " + word + " operation");
  }
  if (word == "add") return IdentityAction::add;
  return word == "update" ? IdentityAction::update : IdentityAction::remove;
}

std::expected<Identities, std::string> apply_action(const Identities& current, IdentityAction action,
                                                    const IdentityMap& request) {
  if (action == IdentityAction::add) {
    if (const auto names = names_that(true, current, request); !names.empty())
      return std::unexpected("identities already exist: " + joined(names));
  } else if (action != IdentityAction::replace) {
    if (const auto names = names_that(false, current, request); !names.empty())
      return std::unexpected("identities do not exist: " + joined(names));
  }
  Identities result = current;
  for (const auto& [name, identity] : request) {
    if (identity) {
      result[name] = *identity;
    } else {
      result.erase(name);
    }
  }
  if (auto unique = check_unique_user_ids(result); !unique) return std::unexpected(std::move(unique.error()));
  return result;
}

std::string shown_json(const Identities& identities) {
  return to_json(identities, false);
}

std::string stored_json(const Identities& identities) {
  return to_json(identities, true);
}

std::expected<Identities, std::string> parse_stored(std::string_view text) {
  const auto value = base::parse_json(text);
  if (!value) return std::unexpected(value.error());
  Identities identities;
  if (value->is_null()) return identities;
  if (!value->is_object()) return std::unexpected(wrong_type(*value, ".identities", "object").error());
  const auto entries = read_entries(*value);
  if (!entries) return std::unexpected(entries.error());
  for (const auto& [name, entry] : *entries) {
    if (!entry) return std::unexpected("identity " + quote(name) + " is null");
    auto identity = check_identity(name, *entry);
    if (!identity) return std::unexpected(std::move(identity.error()));
    identities.emplace(name, std::move(*identity));
  }
  return identities;
}

}  // namespace cobble::access
