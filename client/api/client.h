#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "client/api/error.h"
#include "client/api/http.h"
#include "client/api/types.h"

namespace cobble::client {

struct Envelope;

/// What narrows down a list of notices; empty fields are not sent.
struct NoticeFilter {
  std::string users;
  std::optional<std::int64_t> user_id;
  Names types;
  Names keys;
  std::optional<Time> after;
  Nanoseconds timeout{0};  ///< wait that long for a notice if there is none
};

/// A notice of a client's own.
struct NewNotice {
  std::string type;
  std::string key;
  Nanoseconds repeat_after{0};
  std::map<std::string, std::string> data;
};

/// A layer to add.
struct NewLayer {
  bool combine = false;
  bool inner = false;
  std::string label;
  std::string text;  ///< YAML
};

/// Who shall own a new file or directory.
struct Ownership {
  std::optional<std::int64_t> user_id;
  std::string user;
  std::optional<std::int64_t> group_id;
  std::string group;
};

/// A directory to make, or a file to write.
struct NewPath {
  std::string path;
  bool make_parents = false;
  std::string permissions;  ///< octal digits; empty: the server's default
  Ownership owner;
};

/// Which log lines to read.
struct LogQuery {
  bool follow = false;
  std::int64_t n = 0;  ///< 0: not sent; -1: all
  Names services;
};

/// One line of a service's log.
struct LogLine {
  Time time = Time::zero();
  std::string service;
  std::string message;
};

/// A command to run in the container (contract 05, section 2.1); empty fields are not sent.
struct ExecRequest {
  Names command;
  std::string service_context;
  std::map<std::string, std::string> environment;
  std::string working_dir;
  Nanoseconds timeout{0};
  Ownership user;
  bool terminal = false;
  bool interactive = false;
  bool split_stderr = false;
  int width = 0;
  int height = 0;
};

/// A command that was accepted.
struct ExecStarted {
  std::string change_id;
  std::string task_id;
};

/// The REST API as functions: one request each, over a connection that is kept for the next. Errors are those of contract 10,
/// sections 2.7 and 2.8. Not for use by several threads.
class Client {
 public:
  explicit Client(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}

  const Endpoint& endpoint() const { return endpoint_; }
  /// Whether a GET that fails is tried again for some seconds; it is unless told otherwise.
  void set_patient(bool patient) { patient_ = patient; }
  /// To be called once when the server has not been there for a second, with the reason, while a GET is tried again.
  void set_on_waiting(std::function<void(const std::string& cause)> tell) { on_waiting_ = std::move(tell); }
  /// Shows this certificate (PEM files) on connections made from now on.
  void set_certificate(std::string cert_file, std::string key_file);
  /// Waiting for a reply ends with `interrupt signal received` when this descriptor becomes readable; -1: never.
  void set_interrupt(int fd) { interrupt_fd_ = fd; }

  Result<std::string> server_version();
  Result<std::string> plan();
  Result<void> add_layer(const NewLayer& layer);

  /// With `usage`, details tell what main processes use, if the server is this project's.
  Result<std::vector<ServiceInfo>> services(const Names& names, bool usage = false);
  /// Starts an action (`start`, `stop`, `restart`, `replan`, `autostart`); the ID of its change. Without names `null` is sent.
  Result<std::string> change_services(const std::string& action, const std::optional<Names>& names);
  /// What a replan would do now. Only this project's server knows; others answer with an error.
  Result<ReplanPreview> preview_replan();
  Result<void> send_signal(const std::string& signal, const Names& services);
  /// Hands over each log line as it comes. `cannot read log line: …` when the stream is cut off; what `take` returns as false
  /// ends it.
  Result<void> logs(const LogQuery& query, const std::function<bool(const LogLine&)>& take);

  Result<std::vector<Change>> changes(const std::string& service);
  Result<Change> change(const std::string& id);
  Result<void> abort_change(const std::string& id);
  /// Waits until the change is ready; `timeout` is sent if it is not zero.
  Result<Change> wait_change(const std::string& id, Nanoseconds timeout);

  Result<std::vector<CheckInfo>> checks(const std::string& level, const Names& names);
  Result<RefreshedCheck> refresh_check(const std::string& name);
  /// Starts or stops (`action`) checks; the names of those that changed.
  Result<Names> change_checks(const std::string& action, const Names& names);
  Result<bool> health(const std::string& level, const Names& names);

  Result<std::vector<Notice>> notices(const NoticeFilter& filter);
  Result<Notice> notice(const std::string& id);
  /// The ID of the notice.
  Result<std::string> notify(const NewNotice& notice);

  Result<std::map<std::string, Identity>> identities();
  /// `action`: add, update, replace or remove; an entry without an identity is sent as `null`.
  Result<void> change_identities(const std::string& action, const std::map<std::string, std::optional<Identity>>& entries);

  /// Makes the certificate that is shown an admin's, while the server's pairing window is open (https only).
  Result<void> pair();
  /// Opens the window; a duration of zero and an empty mode are the server's choice.
  Result<PairingWindow> open_pairing_window(Nanoseconds duration, const std::string& mode);
  Result<void> close_pairing_window();
  /// The fingerprint of whatever server is at the https endpoint; nothing is sent to it.
  Result<std::string> look_at_fingerprint();

  Result<std::vector<FileInfo>> list_files(const std::string& path, const std::string& pattern, bool itself);
  Result<void> make_directory(const NewPath& directory);
  Result<void> remove_path(const std::string& path, bool recursive);
  /// Writes what can be read from `source` to a file of the server, streamed. `source_name` is for the error of a failing read.
  Result<void> push(const NewPath& file, int source, const std::string& source_name);
  /// Reads a file of the server, streamed; `take` returns what went wrong when it could not use a piece, or an empty text.
  Result<void> pull(const std::string& path, const std::function<std::string(std::string_view)>& take);

  Result<ExecStarted> exec(const ExecRequest& request);
  /// Connects one of the websockets of an exec task: `control`, `stdio` or `stderr`. The connection and what it has already said.
  Result<std::pair<Connection, std::string>> exec_websocket(const std::string& task_id, const std::string& name);

  /// The newest warning that replies have told of so far.
  const std::optional<Time>& latest_warning() const { return latest_warning_; }
  /// The maintenance that the last reply announced.
  const std::optional<Maintenance>& maintenance() const { return maintenance_; }

 private:
  /// A reply's head with its connection, from which the body is still to be read.
  struct Reply {
    HttpHead head;
    std::unique_ptr<HttpConnection> connection;
  };

  Result<Reply> ask(const HttpRequest& request);
  std::expected<Reply, Trouble> ask_once(const HttpRequest& request);
  void keep(Reply& reply);
  Result<std::string> read_body(Reply& reply, const HttpRequest& request);
  Result<Envelope> ask_envelope(const HttpRequest& request);
  Result<nlohmann::json> ask_sync(const HttpRequest& request);
  Result<Envelope> ask_async(const HttpRequest& request);
  Result<nlohmann::json> get(std::string target);
  Result<nlohmann::json> post(std::string target, const nlohmann::json& body);
  Result<void> post_files(const nlohmann::json& body);
  Error communication_error(const HttpRequest& request, const Trouble& trouble) const;
  void remember(const Envelope& envelope);

  Endpoint endpoint_;
  int interrupt_fd_ = -1;
  bool patient_ = true;
  std::function<void(const std::string& cause)> on_waiting_;
  std::unique_ptr<HttpConnection> idle_;
  std::optional<Time> latest_warning_;
  std::optional<Maintenance> maintenance_;
};

}  // namespace cobble::client
