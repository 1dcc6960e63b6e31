#include "daemon/access/manager.h"

#include <strings.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "daemon/access/certificate.h"
#include "daemon/access/decision.h"
#include "daemon/access/password.h"
#include "daemon/base/json.h"
#include "daemon/base/log.h"
#include "layers/base64.h"
#include "layers/duration.h"
#include "layers/quote.h"

namespace cobble::access {

namespace {

constexpr std::string_view identities_key = "identities";
constexpr std::string_view pairing_key = "pairing-details";
/// What the kernel reports when there are no credentials.
constexpr std::uint32_t no_uid = 0xFFFFFFFF;

std::string caller_text(const RequestUser& caller) {
  const std::string text = caller.text();
  return text.empty() ? "<unknown>" : text;
}

std::unexpected<std::string> unreadable(std::string_view key, const std::string& reason) {
  return std::unexpected("cannot create " + std::string(key == identities_key ? "identities" : "pairing") +
                         " manager: internal error: could not unmarshal state entry " + layers::quote(key) + ": " + reason);
}

}  // namespace

Manager::Manager(base::IoContext& loop, Storage storage, std::uint32_t daemon_uid)
    : storage_(std::move(storage)), daemon_uid_(daemon_uid), passwords_(loop) {}

std::expected<void, std::string> Manager::load() {
  if (const auto text = storage_.data(identities_key)) {
    auto stored = parse_stored(*text);
    if (!stored) return unreadable(identities_key, stored.error());
    identities_ = std::move(*stored);
    index();
  }
  if (const auto text = storage_.data(pairing_key)) {
    const auto value = base::parse_json(*text);
    if (!value) return unreadable(pairing_key, value.error());
    bool paired = false;
    base::JsonFields fields(*value);
    fields.read("paired", paired);
    if (fields.error()) return unreadable(pairing_key, *fields.error());
    if (paired) window_.set_paired();
  }
  return {};
}

void Manager::index() {
  by_uid_.clear();
  for (auto at = identities_.cbegin(); at != identities_.cend(); ++at) {
    if (at->second.user_id) by_uid_.emplace(*at->second.user_id, at);
  }
}

RequestUser Manager::named(const std::string& name) const {
  RequestUser user;
  user.identity = name;
  user.level = identities_.at(name).level;
  return user;
}

RequestUser Manager::by_certificate(const Evidence& evidence) const {
  if (evidence.certificate_der.empty()) return {};
  for (const auto& [name, identity] : identities_) {
    if (identity.certificate_der != evidence.certificate_der) continue;
    const auto usable = usable_as_client(evidence.certificate_der, base::wall_now());
    if (usable) return named(name);
    base::log_security("WARN", "authz_fail:" + name,
                       "client certificate matched stored identity but failed self-signed verification: " + usable.error());
    return {};
  }
  return {};
}

RequestUser Manager::by_uid(const Evidence& evidence) const {
  RequestUser user;
  if (evidence.transport != Transport::unix_socket || !evidence.uid || *evidence.uid == no_uid) return user;
  user.uid = evidence.uid;
  user.pid = evidence.pid;
  if (const auto found = by_uid_.find(*evidence.uid); found != by_uid_.end()) {
    user.identity = found->second->first;
    user.level = found->second->second.level;
  } else {
    user.level = default_level(*evidence.uid, daemon_uid_);
  }
  return user;
}

std::optional<Manager::Login> Manager::read_login(const Evidence& evidence) {
  constexpr std::string_view scheme = "Basic ";
  const std::string_view header = evidence.authorization;
  if (header.size() < scheme.size() || ::strncasecmp(header.data(), scheme.data(), scheme.size()) != 0) return std::nullopt;
  const auto text = layers::decode_base64(header.substr(scheme.size()));
  const std::size_t colon = text ? text->find(':') : std::string::npos;
  if (colon == std::string::npos || text->size() == 1) return std::nullopt;
  return Login{text->substr(0, colon), text->substr(colon + 1)};
}

const std::string* Manager::password_of(std::string_view name) const {
  const auto found = identities_.find(std::string(name));
  return found == identities_.end() || !found->second.password ? nullptr : &*found->second.password;
}

std::optional<RequestUser> Manager::identify_now(const Evidence& evidence) {
  if (evidence.transport == Transport::https) return by_certificate(evidence);
  if (evidence.authorization.empty()) return by_uid(evidence);
  const auto login = read_login(evidence);
  const std::string* stored = login ? password_of(login->name) : nullptr;
  // A wrong login proves nothing; what the kernel says of the peer still counts.
  if (stored == nullptr) return by_uid(evidence);
  const auto matches = passwords_.known(*stored, login->password);
  if (!matches) return std::nullopt;
  return *matches ? named(login->name) : by_uid(evidence);
}

base::Task<RequestUser> Manager::identify(Evidence evidence) {
  if (auto user = identify_now(evidence)) co_return std::move(*user);
  const auto login = read_login(evidence);
  const std::string* stored = login ? password_of(login->name) : nullptr;
  if (stored == nullptr) co_return by_uid(evidence);
  const std::string asked = *stored;
  const bool matches = co_await passwords_.check(asked, login->password);
  // The identity may have changed meanwhile.
  stored = password_of(login->name);
  co_return matches&& stored != nullptr && *stored == asked ? named(login->name) : by_uid(evidence);
}

base::Result<void> Manager::authorise(Access access, Transport transport, const RequestUser& user, std::string_view path) {
  const bool open = access == Access::pairing && window_.is_open(std::chrono::steady_clock::now());
  if (allowed(access, transport, user.level, open)) return {};
  if (const std::string name = user.text(); !name.empty()) {
    base::log_security("CRITICAL", "authz_fail:" + name + "," + std::string(path),
                       "User " + name + " not authorized to access " + std::string(path));
  }
  return base::fail(401, "access denied", "login-required");
}

bool Manager::still_holds(const RequestUser& user) const {
  if (!user.identity.empty()) {
    const auto found = identities_.find(user.identity);
    return found != identities_.end() && found->second.level >= user.level;
  }
  if (!user.uid) return true;
  const auto found = by_uid_.find(*user.uid);
  return found == by_uid_.end() || found->second->second.level >= user.level;
}

void Manager::log_change(const RequestUser& caller, const IdentityRequest& request, IdentityAction action) {
  const std::string who = caller_text(caller);
  for (const auto& [name, identity] : request.identities) {
    if (!identity) {
      base::log_security("WARN", "user_deleted:" + who + "," + name, "Deleting user " + name);
      continue;
    }
    const std::string level(level_word(identity->level));
    const bool created = action == IdentityAction::add;
    base::log_security("WARN", (created ? "user_created:" : "user_updated:") + who + "," + name + "," + level,
                       (created ? "Creating " : "Updating ") + level + " user " + name);
  }
}

base::Result<void> Manager::change(const RequestUser& caller, const IdentityRequest& request) {
  const auto action = check_action(request);
  if (!action) return base::bad_request(action.error());
  log_change(caller, request, *action);
  auto result = apply_action(identities_, *action, request.identities);
  if (!result) return base::bad_request(std::move(result.error()));
  for (const auto& [name, identity] : request.identities) {
    if (identity && identity->password && !usable_password_hash(*identity->password))
      base::log("Identity " + layers::quote(name) + " has a password that cannot log in: not a SHA-512 hash");
  }
  if (*result == identities_) return {};
  identities_ = std::move(*result);
  store();
  return {};
}

void Manager::store() {
  index();
  storage_.set_data(identities_key, stored_json(identities_));
  if (changed_) changed_();
}

base::Result<void> Manager::open_window(const RequestUser& caller, base::Nanoseconds duration, std::string_view mode) {
  if (auto opened = window_.open(std::chrono::steady_clock::now() + duration, mode); !opened)
    return base::bad_request(std::move(opened.error()));
  const std::string text = layers::format_duration(duration);
  base::log_security("WARN", "authz_admin:" + caller_text(caller) + ",open_pairing", "Opening pairing window for " + text);
  return {};
}

base::Result<void> Manager::pair(std::string_view certificate_der) {
  const auto refuse = [](const std::string& reason) { return base::bad_request("cannot pair client: " + reason); };
  if (!window_.is_open(std::chrono::steady_clock::now())) return refuse("cannot pair while pairing window is disabled");
  window_.close();
  if (const auto usable = usable_as_client(certificate_der, base::wall_now()); !usable) {
    base::log_security("WARN", "authz_fail",
                       "client certificate failed self-signed verification during pairing: " + usable.error());
    return refuse("cannot verify client certificate signature: " + usable.error());
  }
  const bool known =
      std::ranges::any_of(identities_, [&](const auto& entry) { return entry.second.certificate_der == certificate_der; });
  if (!known) {
    auto name = next_pairing_name(identities_);
    if (!name) return refuse("cannot create new identity username: " + name.error());
    base::log_security("WARN", "user_paired:" + *name + ",admin", "Paired client as admin user " + *name);
    Identity client;
    client.level = Level::admin;
    client.certificate_der = certificate_der;
    identities_.emplace(std::move(*name), std::move(client));
    store();
  }
  window_.set_paired();
  storage_.set_data(pairing_key, R"({"paired":true})");
  return {};
}

}  // namespace cobble::access
