#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/access/identities.h"
#include "daemon/access/pairing.h"
#include "daemon/access/password_checker.h"
#include "daemon/access/user.h"
#include "daemon/base/error.h"
#include "daemon/base/loop.h"

namespace cobble::access {

/// What a request says of its sender. The texts must outlive the call they are given to.
struct Evidence {
  Transport transport = Transport::unix_socket;
  std::optional<std::uint32_t> uid;  ///< unix socket: peer credentials
  std::optional<pid_t> pid;
  std::string_view authorization;    ///< value of the header; empty: none
  std::string_view certificate_der;  ///< HTTPS: of the client; empty: none
};

/// Where identities and pairing are kept: `data` of the state file (contract 08, section 2.9).
struct Storage {
  std::function<std::optional<std::string>(std::string_view key)> data;
  std::function<void(std::string_view key, std::string json)> set_data;
};

/// The daemon's identities: finds out who sends a request, and decides what that user may do (contract 08). On the loop's thread.
class Manager {
 public:
  Manager(base::IoContext& loop, Storage storage, std::uint32_t daemon_uid);

  /// Reads what is stored. The error is the text after `cannot run daemon: `.
  std::expected<void, std::string> load();

  /// Who sends a request, when that needs no computation: everything but a password that wasn't seen lately.
  std::optional<RequestUser> identify_now(const Evidence& evidence);
  /// The same, also with a password to be checked. `evidence` must stay valid until the end.
  base::Task<RequestUser> identify(Evidence evidence);

  /// Success, or the 401; writes the security event of a refusal (contract 08, section 2.5).
  base::Result<void> authorise(Access access, Transport transport, const RequestUser& user, std::string_view path);
  /// Whether a user found earlier still has at least the level it had then; asked after `on_change`.
  bool still_holds(const RequestUser& user) const;
  /// `callback` is called whenever identities have changed.
  void on_change(std::function<void()> callback) { changed_ = std::move(callback); }

  const Identities& identities() const { return identities_; }
  /// Applies a request (contract 08, section 2.8), all of it or nothing; it is stored, not yet on disk, at the return.
  base::Result<void> change(const RequestUser& caller, const IdentityRequest& request);

  /// The plan's pairing mode; call it after each change of the plan.
  void set_pairing_mode(std::string_view mode) { window_.set_mode(mode); }
  const PairingWindow& window() const { return window_; }
  /// Opens the pairing window for `duration`, with another mode than the plan's unless empty; the error is a 400.
  base::Result<void> open_window(const RequestUser& caller, base::Nanoseconds duration, std::string_view mode = {});
  void close_window() { window_.close(); }
  /// Makes the client that showed this certificate an admin (POST /v1/pairing).
  base::Result<void> pair(std::string_view certificate_der);

 private:
  /// User name and password of a Basic header.
  struct Login {
    std::string name;
    std::string password;
  };

  static std::optional<Login> read_login(const Evidence& evidence);
  const std::string* password_of(std::string_view name) const;
  RequestUser named(const std::string& name) const;
  RequestUser by_certificate(const Evidence& evidence) const;
  RequestUser by_uid(const Evidence& evidence) const;
  void store();
  void index();
  static void log_change(const RequestUser& caller, const IdentityRequest& request, IdentityAction action);

  Storage storage_;
  std::uint32_t daemon_uid_;
  Identities identities_;
  std::map<std::uint32_t, Identities::const_iterator> by_uid_;
  PasswordChecker passwords_;
  PairingWindow window_;
  std::function<void()> changed_;
};

}  // namespace cobble::access
