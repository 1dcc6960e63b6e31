#include "daemon/daemon.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "daemon/access/manager.h"
#include "daemon/access/tls.h"
#include "daemon/api/context.h"
#include "daemon/api/routes.h"
#include "daemon/api/server.h"
#include "daemon/base/blocking.h"
#include "daemon/base/json.h"
#include "daemon/base/log.h"
#include "daemon/checks/manager.h"
#include "daemon/exec/manager.h"
#include "daemon/lifecycle/directory.h"
#include "daemon/lifecycle/identities_file.h"
#include "daemon/lifecycle/memory.h"
#include "daemon/lifecycle/notify.h"
#include "daemon/lifecycle/signals.h"
#include "daemon/logs/forwarding/forwarder.h"
#include "daemon/logs/manager.h"
#include "daemon/process/accounts.h"
#include "daemon/process/descriptors.h"
#include "daemon/process/limits.h"
#include "daemon/process/reaper.h"
#include "daemon/process/spawn.h"
#include "daemon/services/manager.h"
#include "daemon/state/change_engine.h"
#include "daemon/state/notice_book.h"
#include "daemon/state/state_file.h"
#include "layers/directory.h"
#include "layers/plan_store.h"
#include "layers/quote.h"

namespace cobble {

namespace {

using Done = std::expected<void, std::string>;

/// Requests that are still open when everything else has ended get this much time.
constexpr base::Nanoseconds grace_period = std::chrono::seconds(1);
/// Log targets get this much for their last entries, commands and checks for their end.
constexpr base::Nanoseconds ending_limit = std::chrono::seconds(3);
/// What may come on top of the time for the services: both of the above, and the last writing.
constexpr base::Nanoseconds ending_limits = std::chrono::seconds(15);
/// The last lines of the log, and a state file being written, get this much.
constexpr base::Nanoseconds flush_limit = std::chrono::seconds(2);
/// The same stop signal, when it comes again at least this much later, hurries.
constexpr base::Nanoseconds hurry_after = std::chrono::seconds(2);

bool is_set(const char* name, std::string_view wanted) {
  const char* value = std::getenv(name);
  return value != nullptr && value == wanted;
}

/// Everything that a running daemon consists of, in the order in which it is built; wired here, and nowhere else.
class Daemon {
 public:
  explicit Daemon(lifecycle::Options options) : options_(std::move(options)), paths_(lifecycle::paths_from_environment()) {}
  /// What `begin` does last (`pebble enter`).
  void set_subcommand(std::function<int()> subcommand, bool stays) {
    subcommand_ = std::move(subcommand);
    stays_ = stays;
  }

  /// Makes everything, up to the listeners. The error is the text after `cannot run daemon: `.
  Done prepare();
  /// Serves until the end; the exit code.
  std::expected<int, std::string> serve();

 private:
  Done prepare_directory();
  Done open_state();
  Done load_plan();
  void build_managers();
  Done listen();
  api::Gatekeeper gatekeeper();
  api::Context make_context();

  base::Task<void> begin();
  base::Task<void> run_subcommand();
  base::Task<void> end_subcommand();
  base::Task<Done> seed_identities();
  base::Task<void> autostart();
  base::Task<void> await_autostart(std::string change);
  void stop_signal(int number);
  void request_stop(int exit_code);
  void stop(int exit_code);
  base::Task<void> end();

  lifecycle::Options options_;
  lifecycle::Paths paths_;
  base::IoContext loop_{1};
  std::unique_ptr<process::Reaper> reaper_;
  std::unique_ptr<access::TlsServer> tls_;
  std::unique_ptr<state::StateFile> state_;
  state::NoticeBook notices_;
  std::unique_ptr<state::ChangeEngine> engine_;
  layers::PlanStore plan_{process::system_accounts()};
  logs::Manager logs_{loop_};
  logs::forwarding::Forwarder forwarder_{loop_, logs_};
  std::unique_ptr<services::Manager> services_;
  std::unique_ptr<checks::Manager> checks_;
  std::unique_ptr<exec::Manager> exec_;
  std::unique_ptr<access::Manager> access_;
  std::optional<api::Context> context_;
  std::unique_ptr<api::Server> server_;
  std::optional<lifecycle::StopSignals> signals_;
  std::optional<lifecycle::Watchdog> watchdog_;

  std::function<int()> subcommand_;
  bool stays_ = false;
  bool subcommand_runs_ = false;
  base::Event subcommand_ended_{loop_};
  std::string failure_;  ///< what ended it after the start
  std::optional<int> exit_code_;
  base::SteadyTime stopping_since_{};
};

Done Daemon::prepare() {
  reaper_ = std::make_unique<process::Reaper>(loop_);
  signals_.emplace(loop_, [this](int number) { stop_signal(number); });
  if (auto done = prepare_directory(); !done) return done;
  if (auto done = open_state(); !done) return done;
  build_managers();
  if (auto done = load_plan(); !done) return done;
  base::log_security("WARN", "sys_startup:" + std::to_string(::getuid()), "Starting daemon");
  return listen();
}

Done Daemon::prepare_directory() {
  if (options_.create_dirs) {
    if (auto done = lifecycle::create_directories(paths_.directory); !done) return done;
  }
  if (const char* source = std::getenv("PEBBLE_COPY_ONCE"); source != nullptr && *source != '\0') {
    if (auto done = lifecycle::copy_once(source, paths_.directory); !done) return done;
  }
  if (!options_.https.empty()) {
    if (is_set("PEBBLE_PERSIST", "never")) {
      return std::unexpected("cannot use --https with PEBBLE_PERSIST=never: identity key requires persistent state");
    }
    auto key = access::IdentityKey::load_or_create(paths_.directory);
    if (!key) return std::unexpected(std::move(key.error()));
    tls_ = std::make_unique<access::TlsServer>(loop_, std::move(*key), paths_.directory);
  }
  return lifecycle::check_directory(paths_.directory);
}

Done Daemon::open_state() {
  auto opened = state::open_state(loop_, {paths_.directory, paths_.socket, !is_set("PEBBLE_PERSIST", "never")});
  if (!opened) return std::unexpected(std::move(opened.error()));
  state_ = std::move(*opened);
  state_->set_on_warning([this](const std::string& text) { notices_.add_warning(text, base::wall_now()); });
  engine_ = std::make_unique<state::ChangeEngine>(loop_, notices_, *state_);
  return {};
}

void Daemon::build_managers() {
  services::Manager::Hooks hooks;
  hooks.shut_down = [this](int exit_code) { request_stop(exit_code); };
  hooks.load_survivors = [this] { return std::optional(state_->processes()); };
  hooks.save_survivors = [this](std::string json) { state_->set_processes(std::move(json)); };
  services_ =
      std::make_unique<services::Manager>(loop_, *reaper_, *engine_, logs_, [this] { return plan_.plan(); }, std::move(hooks));
  checks_ = std::make_unique<checks::Manager>(
      loop_, *engine_, *reaper_, checks::Manager::Hooks{[this](const std::string& check) { services_->check_failed(check); }});
  exec_ = std::make_unique<exec::Manager>(loop_, *engine_, *reaper_, [this] { return plan_.plan(); });
  access_ = std::make_unique<access::Manager>(
      loop_,
      access::Storage{[this](std::string_view key) { return state_->data(key); },
                      [this](std::string_view key, std::string json) { state_->set_data(key, std::move(json)); }},
      ::getuid());
  context_.emplace(make_context());
  plan_.on_change([this](const layers::PlanPtr&, const layers::PlanPtr& now) {
    access_->set_pairing_mode(now->pairing_mode);
    checks_->plan_changed(*now);
    forwarder_.plan_changed(*now);
  });
  if (options_.verbose) logs_.copy_to(STDOUT_FILENO);
}

Done Daemon::load_plan() {
  if (auto done = access_->load(); !done) return done;
  auto read = layers::read_layers_directory(paths_.layers(), process::system_accounts());
  if (!read) return std::unexpected("cannot load plan: " + read.error());
  for (const std::string& warning : read->warnings) base::log(warning);
  if (auto done = plan_.load(std::move(read->layers)); !done) return std::unexpected("cannot load plan: " + done.error());
  return {};
}

Done Daemon::listen() {
  server_ = std::make_unique<api::Server>(loop_, *context_, api::routes(), gatekeeper());
  server_->set_latest_warning([this] {
    const auto latest = notices_.latest_warning(base::wall_now());
    return latest ? base::format_utc(*latest) : std::string();
  });
  access_->on_change([this] {
    server_->end_streams([this](const access::RequestUser& user) { return !access_->still_holds(user); });
    exec_->check_clients();
  });
  if (auto done = server_->listen_unix(paths_.socket); !done) return done;
  if (tls_) {
    context_->fingerprint = tls_->fingerprint();
    base::log("Server fingerprint is " + context_->fingerprint + ".");
  }
  for (const bool tls : {false, true}) {
    const std::string& address = tls ? options_.https : options_.http;
    if (address.empty()) continue;
    auto bound = server_->listen_tcp(address, tls);
    if (!bound) return std::unexpected(std::move(bound.error()));
    const std::string name = tls ? "HTTPS" : "HTTP";
    base::log(name + " API server listening on " + layers::quote(address) + ".");
    if (!bound->ends_with(address.substr(address.rfind(':'))))
      base::log(name + " API server's address is " + layers::quote(*bound) + ".");
    (tls ? context_->https_bound : context_->http_bound) = std::move(*bound);
  }
  return {};
}

api::Gatekeeper Daemon::gatekeeper() {
  api::Gatekeeper keeper;
  keeper.identify = [this](const api::Peer& peer, const api::Request& request) -> base::Task<access::RequestUser> {
    const access::Evidence evidence{peer.transport, peer.uid, peer.pid, request.header("Authorization"), peer.certificate_der};
    if (auto known = access_->identify_now(evidence)) co_return *known;
    co_return co_await access_->identify(evidence);
  };
  keeper.authorise = [this](api::Access level, const api::Request& request) {
    return access_->authorise(level, request.transport, request.user, request.path);
  };
  keeper.accept_tls = [this](base::Socket socket, api::Peer& peer) -> base::Task<std::unique_ptr<base::Stream>> {
    auto accepted = co_await tls_->accept(std::move(socket), std::chrono::seconds(30));
    if (!accepted) {
      base::log("http: TLS handshake error from " + peer.address + ": " + accepted.error());
      co_return nullptr;
    }
    peer.certificate_der = std::move(accepted->certificate_der);
    co_return std::move(accepted->stream);
  };
  return keeper;
}

api::Context Daemon::make_context() {
  return {loop_,         plan_,      *engine_, notices_, *services_,           *checks_,
          logs_,         forwarder_, *exec_,   *access_, lifecycle::boot_id(), options_.http,
          options_.https};
}

std::expected<int, std::string> Daemon::serve() {
  base::log("Started daemon.");
  if (auto done = plan_.set_arguments(options_.args); !done) return std::unexpected(std::move(done.error()));
  server_->serve();
  lifecycle::notify("READY=1");
  engine_->start();
  const auto interval = lifecycle::watchdog_interval();
  if (!interval) return std::unexpected(interval.error());
  if (*interval) watchdog_.emplace(loop_, **interval);
  base::spawn(loop_, "start-up", begin());
  base::run_loop(loop_);
  if (!failure_.empty()) return std::unexpected(failure_);
  return exit_code_.value_or(0);
}

base::Task<void> Daemon::begin() {
  if (!options_.identities.empty()) {
    if (auto seeded = co_await seed_identities(); !seeded && !exit_code_) {
      failure_ = seeded.error();
      loop_.stop();
      co_return;
    }
  }
  if (!options_.hold && !exit_code_) co_await autostart();
  lifecycle::release_start_up_pages();
  if (subcommand_ && !exit_code_) co_await run_subcommand();
}

base::Task<void> Daemon::run_subcommand() {
  subcommand_runs_ = true;
  const int status = co_await base::blocking(subcommand_);
  subcommand_runs_ = false;
  subcommand_ended_.notify_all();
  if (exit_code_) {
    // A signal has ended both; what became of the subcommand is of more interest.
    if (*exit_code_ == 0) exit_code_ = status;
  } else if (status != 0 || !stays_) {
    stop(status);
  }
}

base::Task<Done> Daemon::seed_identities() {
  // The file may be a pipe that nobody has written to yet.
  auto body = co_await base::blocking([path = options_.identities] { return lifecycle::identities_request(path); });
  if (!body) co_return std::unexpected(std::move(body.error()));
  const api::Response response = co_await server_->call("POST", "/v1/identities", std::move(*body));
  if (response.status == 200) co_return Done{};
  co_return std::unexpected("cannot replace identities: " + api::error_message(response));
}

base::Task<void> Daemon::autostart() {
  const api::Response response = co_await server_->call("POST", "/v1/services", R"({"action":"autostart","services":null})");
  if (response.status != 202) {
    base::log("Cannot start default services: " + api::error_message(response));
    co_return;
  }
  const auto json = base::parse_json(response.body);
  std::string change;
  if (json) base::JsonFields(*json).read("change", change);
  if (subcommand_) {
    co_await await_autostart(change);
  } else {
    base::spawn(loop_, "autostart", await_autostart(change));
  }
}

base::Task<void> Daemon::await_autostart(std::string change) {
  co_await server_->call("GET", "/v1/changes/" + change + "/wait", "");
  base::log("Started default services with change " + change + ".");
}

void Daemon::stop_signal(int number) {
  if (!exit_code_) {
    base::log("Exiting on " + std::string(lifecycle::signal_word(number)) + " signal.");
    if (subcommand_runs_) exec_->signal(number);
    stop(0);
  } else if (std::chrono::steady_clock::now() - stopping_since_ >= hurry_after) {
    services_->hurry();
  }
}

void Daemon::request_stop(int exit_code) {
  if (exit_code_) return;
  base::log("Server exiting! Reason: <nil>");
  stop(exit_code);
}

void Daemon::stop(int exit_code) {
  exit_code_ = exit_code;
  stopping_since_ = std::chrono::steady_clock::now();
  base::spawn(loop_, "shutdown", end());
}

base::Task<void> Daemon::end() {
  watchdog_.reset();
  base::log_security("WARN", "sys_shutdown:" + std::to_string(::getuid()), "Shutting down daemon");
  const base::Nanoseconds limit = options_.stop_timeout.value_or(services::default_stop_limit);
  if (options_.stop_timeout) lifecycle::notify_stop_time(limit + ending_limits);
  co_await services_->shut_down(limit);
  co_await checks_->shut_down(ending_limit);
  if (subcommand_runs_) co_await end_subcommand();
  co_await server_->stop(grace_period);
  lifecycle::notify("STOPPING=1");
  co_await exec_->shut_down(ending_limit);
  co_await forwarder_.stop(ending_limit);
  logs_.end_copy();
  state_->stop(flush_limit);
  loop_.stop();
}

/// The subcommand hears over the API how its command ended, so that has to happen before the server stops.
base::Task<void> Daemon::end_subcommand() {
  const base::SteadyTime deadline = std::chrono::steady_clock::now() + grace_period;
  if (!stays_) co_await exec_->shut_down(grace_period);
  while (subcommand_runs_ && co_await subcommand_ended_.wait_until(deadline)) {
  }
}

/// Ends the process. Coroutines still wait on the loop at that time, and blocking work may hang on a thread of the pool; nothing
/// of that is taken apart: what had to be saved has been, and the kernel frees the rest.
[[noreturn]] void leave(int code) {
  base::stop_logging(flush_limit);
  std::fflush(nullptr);
  ::_exit(code);
}

[[noreturn]] void fail(const std::string& why) {
  base::stop_logging(flush_limit);
  const std::string text = "cannot run daemon: " + why + "\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
  leave(1);
}

}  // namespace

void run_daemon(const lifecycle::Options& options) {
  run_daemon_around(options, nullptr, true);
}

void run_daemon_around(const lifecycle::Options& options, std::function<int()> subcommand, bool stays) {
  process::close_inherited_descriptors();
  process::daemon_environment();
  process::raise_limits();
  lifecycle::return_large_blocks();
  lifecycle::hold_signals();
  base::set_log_quiet(options.quiet);
  base::start_logging();
  Daemon daemon(options);
  if (subcommand) daemon.set_subcommand(std::move(subcommand), stays);
  if (auto done = daemon.prepare(); !done) fail(done.error());
  process::reserve_descriptors();
  auto code = daemon.serve();
  if (!code) fail(code.error());
  leave(*code);
}

}  // namespace cobble
