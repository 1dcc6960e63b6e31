#include <unistd.h>

#include <cstdlib>

#include "daemon/access/identities.h"
#include "daemon/access/identity_key.h"
#include "daemon/api/listen.h"
#include "daemon/base/fd.h"
#include "daemon/daemon.h"
#include "daemon/lifecycle/directory.h"
#include "daemon/lifecycle/identities_file.h"
#include "daemon/lifecycle/notify.h"
#include "daemon/process/accounts.h"
#include "daemon/state/state_file.h"
#include "layers/directory.h"
#include "layers/plan_store.h"
#include "layers/quote.h"

namespace cobble {

namespace {

/// One examination. What depends on something that is wrong already is not looked at.
class DryRun {
 public:
  explicit DryRun(const lifecycle::Options& options) : options_(options), paths_(lifecycle::paths_from_environment()) {}

  std::vector<std::string> run() {
    look_at_directory();
    look_at_addresses();
    look_at_plan();
    look_at_identities(stored_identities());
    note(lifecycle::watchdog_interval());
    return std::move(problems_);
  }

 private:
  /// Remembers what is wrong, if something is; whether all is well.
  template <class T>
  bool note(const std::expected<T, std::string>& outcome, const std::string& prefix = {}) {
    if (!outcome) problems_.push_back(prefix + outcome.error());
    return outcome.has_value();
  }

  static std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : value;
  }

  void look_at_directory() {
    const std::string source = variable("PEBBLE_COPY_ONCE");
    bool is_made = options_.create_dirs;
    if (!source.empty()) {
      const auto copies = lifecycle::wants_copy(source, paths_.directory);
      if (note(copies) && *copies) {
        content_ = source;
        is_made = true;
      }
    }
    const bool exists = ::access(paths_.directory.c_str(), F_OK) == 0;
    note(is_made && !exists ? lifecycle::check_creatable(paths_.directory) : lifecycle::check_directory(paths_.directory));
    if (options_.https.empty()) return;
    if (!persistent_) {
      problems_.emplace_back("cannot use --https with PEBBLE_PERSIST=never: identity key requires persistent state");
    } else {
      note(access::IdentityKey::load(content_));
    }
  }

  void look_at_addresses() {
    const bool in_directory = paths_.socket.starts_with(paths_.directory + "/");
    if (!in_directory || ::access(paths_.directory.c_str(), F_OK) == 0) note(api::check_socket_path(paths_.socket));
    if (!options_.http.empty())
      note(api::parse_tcp_address(options_.http), "cannot listen on " + layers::quote(options_.http) + ": ");
    if (!options_.https.empty())
      note(api::parse_tcp_address(options_.https), "cannot TLS listen on " + layers::quote(options_.https) + ": ");
  }

  void look_at_plan() {
    auto read = layers::examine_layers_directory(content_ + "/layers", process::system_accounts());
    for (const std::string& problem : read.problems) problems_.push_back("cannot load plan: " + problem);
    if (!read.problems.empty()) return;
    layers::PlanStore plan(process::system_accounts());
    if (note(plan.load(std::move(read.layers)), "cannot load plan: ")) note(plan.set_arguments(options_.args));
  }

  access::Identities stored_identities() {
    if (!persistent_) return {};
    const auto state = state::peek_state(content_);
    if (!note(state)) return {};
    const auto stored = state->data.find("identities");
    if (stored == state->data.end()) return {};
    auto identities = access::parse_stored(stored->second);
    note(identities, "cannot create identities manager: internal error: could not unmarshal state entry \"identities\": ");
    return identities.value_or(access::Identities());
  }

  void look_at_identities(const access::Identities& stored) {
    if (options_.identities.empty()) return;
    const auto body = lifecycle::identities_request(options_.identities);
    if (!note(body)) return;
    const std::string prefix = "cannot replace identities: ";
    const auto request = access::parse_identity_request(*body);
    if (note(request, prefix)) note(access::apply_action(stored, access::IdentityAction::replace, request->identities), prefix);
  }

  const lifecycle::Options& options_;
  lifecycle::Paths paths_;
  bool persistent_ = variable("PEBBLE_PERSIST") != "never";
  std::string content_ = paths_.directory;  ///< where layers, state and key are: $PEBBLE, or what would be copied to it
  std::vector<std::string> problems_;
};

void say(int fd, const std::string& line) {
  [[maybe_unused]] const auto written = ::write(fd, line.data(), line.size());
}

}  // namespace

int report_problems(const lifecycle::Options& options) {
  const auto problems = DryRun(options).run();
  for (const std::string& problem : problems) say(STDERR_FILENO, "cannot run daemon: " + problem + "\n");
  if (problems.empty()) say(STDOUT_FILENO, "No problems found.\n");
  return problems.empty() ? 0 : 1;
}

}  // namespace cobble
