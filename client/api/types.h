#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/api/time.h"

/// What the server tells, as plain values. Fields are named as their JSON keys (contract 03 and 10, section 2.10); what the
/// server did not send is empty.
namespace cobble::client {

using Nanoseconds = std::chrono::duration<std::int64_t, std::nano>;
using Names = std::vector<std::string>;

/// How far a task has come.
struct Progress {
  std::string label;
  std::int64_t done = 0;
  std::int64_t total = 0;
};

struct Task {
  std::string id;
  std::string kind;
  std::string summary;
  std::string status;
  std::vector<std::string> log;
  Progress progress;
  Time spawn_time = Time::zero();
  std::optional<Time> ready_time;
  std::string data;                       ///< the JSON text of an object, empty if there is none
  std::optional<std::int64_t> exit_code;  ///< `exit-code` in the data: that of an exec task
};

struct Change {
  std::string id;
  std::string kind;
  std::string summary;
  std::string status;
  std::vector<Task> tasks;
  bool ready = false;
  std::string err;
  Time spawn_time = Time::zero();
  std::optional<Time> ready_time;
};

/// What this server tells of a service beyond the contract, under the key `details`.
struct ServiceDetails {
  std::optional<std::int64_t> pid;
  std::optional<std::int64_t> restarts;
  std::optional<std::int64_t> last_exit_code;
  std::optional<Time> next_restart;
  std::string last_error;
  std::optional<std::int64_t> cpu_ms;        ///< CPU time of the main process; only when asked for, as the next
  std::optional<std::int64_t> memory_bytes;  ///< its resident memory
};

struct ServiceInfo {
  std::string name;
  std::string startup;
  std::string current;
  std::optional<Time> current_since;
  ServiceDetails details;
};

struct CheckInfo {
  std::string name;
  std::string level;
  std::string startup;
  std::string status;
  std::optional<std::int64_t> successes;
  std::int64_t failures = 0;
  std::int64_t threshold = 0;
  std::string change_id;
  std::string prev_change_id;
  std::string last_error;  ///< of the last run, if it failed: this server alone tells it
};

/// The outcome of a refresh: the check and the error of this run, if it failed.
struct RefreshedCheck {
  CheckInfo info;
  std::string error;
};

struct Notice {
  std::string id;
  std::optional<std::int64_t> user_id;  ///< none: public
  std::string type;
  std::string key;
  Time first_occurred = Time::zero();
  Time last_occurred = Time::zero();
  Time last_repeated = Time::zero();
  std::int64_t occurrences = 0;
  std::map<std::string, std::string> last_data;
  Nanoseconds repeat_after{0};
  Nanoseconds expire_after{0};
};

struct Identity {
  std::string access;
  std::optional<std::int64_t> local_user_id;
  std::optional<std::string> basic_password;
  std::optional<std::string> cert_pem;
};

struct FileInfo {
  std::string path;
  std::string name;
  std::string type;  ///< file, directory, symlink, socket, named-pipe, device or unknown
  std::optional<std::int64_t> size;
  std::string permissions;  ///< octal digits
  Time last_modified = Time::zero();
  std::optional<std::int64_t> user_id;
  std::string user;
  std::optional<std::int64_t> group_id;
  std::string group;
};

/// What a replan would do with a service, and why. Of this server alone.
struct ReplanStep {
  std::string name;
  std::string action;  ///< start, stop or restart
  std::string reason;  ///< changed, dependency, enabled or required-by
  Names keys;          ///< changed: which keys of its configuration
  Names services;      ///< dependency, required-by: which services
};

struct ReplanPreview {
  std::vector<ReplanStep> services;
  Names checks;  ///< those that would be started
};

/// A pending restart that a reply announces.
struct Maintenance {
  std::string kind;
  std::string message;
};

/// An open pairing window (contract 08, section 2.13).
struct PairingWindow {
  std::string fingerprint;    ///< the server's; empty: it has no HTTPS listener
  std::string https_address;  ///< where it listens
  std::optional<Time> closes;
};

}  // namespace cobble::client
