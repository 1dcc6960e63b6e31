#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What should run: the entries of layers and of the plan they combine to (contract 01, section 2.2). Plain values; nothing here
/// knows processes, sockets or clocks. Fields are named as their YAML keys, `-` as `_`.
namespace cobble::layers {

using Nanoseconds = std::chrono::duration<std::int64_t, std::nano>;
using StringMap = std::map<std::string, std::string>;

/// `override:` of an entry, as text in a layer; `none` when the key is missing.
enum class Override { none, merge, replace, invalid };

/// One service. "Not set" (nullopt) and "set to the default" are different states and compare as different (replan, contract
/// 01 3.9).
struct Service {
  std::string name;
  std::string summary;
  std::string description;
  std::string startup;
  Override override_policy = Override::none;
  std::string command;
  std::vector<std::string> after;
  std::vector<std::string> before;
  std::vector<std::string> requires_services;
  std::string workload;
  std::optional<StringMap> environment;  ///< an explicit empty map differs from none
  std::optional<std::int64_t> user_id;
  std::string user;
  std::optional<std::int64_t> group_id;
  std::string group;
  std::string working_dir;
  std::string on_success;
  std::string on_failure;
  StringMap on_check_failure;
  std::optional<Nanoseconds> backoff_delay;
  std::optional<double> backoff_factor;
  std::optional<Nanoseconds> backoff_limit;
  std::optional<Nanoseconds> kill_delay;

  static constexpr Nanoseconds default_backoff_delay = std::chrono::milliseconds(500);
  static constexpr double default_backoff_factor = 2.0;
  static constexpr Nanoseconds default_backoff_limit = std::chrono::seconds(30);
  static constexpr Nanoseconds default_kill_delay = std::chrono::seconds(5);

  bool enabled() const { return startup == "enabled"; }
  Nanoseconds effective_backoff_delay() const { return backoff_delay.value_or(default_backoff_delay); }
  double effective_backoff_factor() const { return backoff_factor.value_or(default_backoff_factor); }
  Nanoseconds effective_backoff_limit() const { return backoff_limit.value_or(default_backoff_limit); }
  Nanoseconds effective_kill_delay() const { return kill_delay.value_or(default_kill_delay); }

  bool operator==(const Service&) const = default;
};

struct HttpCheck {
  std::string url;
  StringMap headers;
  bool operator==(const HttpCheck&) const = default;
};

struct TcpCheck {
  std::int64_t port = 0;
  std::string host;
  bool operator==(const TcpCheck&) const = default;
};

struct ExecCheck {
  std::string command;
  std::string service_context;
  StringMap environment;
  std::optional<std::int64_t> user_id;
  std::string user;
  std::optional<std::int64_t> group_id;
  std::string group;
  std::string working_dir;
  bool operator==(const ExecCheck&) const = default;
};

/// One health check; in the plan exactly one of http, tcp, exec is there.
struct Check {
  std::string name;
  Override override_policy = Override::none;
  std::string level;    ///< "", "alive" or "ready"
  std::string startup;  ///< "", "enabled" or "disabled"; empty means enabled
  std::optional<Nanoseconds> period;
  std::optional<Nanoseconds> timeout;
  std::int64_t threshold = 0;  ///< 0: not set; in the plan the default (3) has been filled in
  std::optional<HttpCheck> http;
  std::optional<TcpCheck> tcp;
  std::optional<ExecCheck> exec;

  static constexpr Nanoseconds default_period = std::chrono::seconds(10);
  static constexpr Nanoseconds default_timeout = std::chrono::seconds(3);
  static constexpr std::int64_t default_threshold = 3;

  bool enabled() const { return startup != "disabled"; }
  Nanoseconds effective_period() const { return period.value_or(default_period); }
  /// Never longer than the period.
  Nanoseconds effective_timeout() const { return std::min(timeout.value_or(default_timeout), effective_period()); }

  bool operator==(const Check&) const = default;
};

/// How a log target that is reached by TLS is trusted, and trusts us: paths of PEM files. Beyond the contract, as are `headers`
/// and `compression` of LogTarget.
struct LogTargetTls {
  std::string ca_file;    ///< roots instead of the system's
  std::string cert_file;  ///< the client's certificate
  std::string key_file;   ///< its key; may be in `cert_file` too
  bool operator==(const LogTargetTls&) const = default;
};

struct LogTarget {
  std::string name;
  std::string type;  ///< loki, opentelemetry or syslog
  std::string location;
  std::vector<std::string> services;
  Override override_policy = Override::none;
  StringMap labels;
  LogTargetTls tls;
  StringMap headers;        ///< sent with each request; of no meaning to syslog
  std::string compression;  ///< of requests' bodies: "" or "gzip"; of no meaning to syslog

  /// Whether the target takes the logs of `service`: the last of NAME, -NAME, all, -all in the list decides.
  bool selects(std::string_view service) const;

  bool operator==(const LogTarget&) const = default;
};

struct Workload {
  std::string name;
  Override override_policy = Override::none;
  std::string override_text;
  StringMap environment;
  std::optional<std::int64_t> user_id;
  std::string user;
  std::optional<std::int64_t> group_id;
  std::string group;
  bool operator==(const Workload&) const = default;
};

/// One layer as read: entries by name, before combining.
struct Layer {
  std::string label;
  std::int64_t order = 0;  ///< position number from the file name; 0 for layers that came over the API
  std::string summary;
  std::string description;
  std::map<std::string, Service> services;
  std::map<std::string, Check> checks;
  std::map<std::string, LogTarget> log_targets;
  std::map<std::string, Workload> workloads;
  std::string pairing_mode;
};

/// The combined plan: an immutable snapshot, swapped whole. Maps are in byte order of name.
struct Plan {
  std::map<std::string, Service> services;
  std::map<std::string, Check> checks;
  std::map<std::string, LogTarget> log_targets;
  std::map<std::string, Workload> workloads;
  std::string pairing_mode;  ///< "", "disabled", "single" or "multiple"
};

using PlanPtr = std::shared_ptr<const Plan>;

}  // namespace cobble::layers
