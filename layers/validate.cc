#include "layers/validate.h"

#include <algorithm>
#include <initializer_list>

#include "layers/combine.h"
#include "layers/command.h"
#include "layers/number.h"
#include "layers/quote.h"

namespace cobble::layers {

namespace {

using Done = std::expected<void, std::string>;

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

bool is_null(const std::vector<std::string>& nulls, const std::string& name) {
  return std::ranges::find(nulls, name) != nulls.end();
}

/// All names of a section in byte order, those of null entries included.
template <typename Entry>
std::vector<std::string> names_of(const std::map<std::string, Entry>& entries, const std::vector<std::string>& nulls) {
  std::vector<std::string> names = nulls;
  for (const auto& [name, entry] : entries) names.push_back(name);
  std::ranges::sort(names);
  return names;
}

Done check_service_name(const std::string& name) {
  if (name.empty()) return std::unexpected("cannot use empty string as service name");
  if (name == "pebble") return std::unexpected("cannot use reserved service name \"pebble\"");
  if (name.starts_with('-'))
    return std::unexpected("cannot use service name " + quote(name) + ": starting with \"-\" not allowed");
  return {};
}

Done validate_service(const Service& service) {
  const std::string prefix = "plan service " + quote(service.name) + " ";
  if (const auto command = parse_service_command(service.command); !command) {
    return std::unexpected(prefix + "command invalid: cannot parse service " + quote(service.name) +
                           " command: " + command.error());
  }
  if (!one_of(service.on_success, {"", "restart", "shutdown", "ignore", "failure-shutdown"})) {
    return std::unexpected(prefix + "on-success action " + quote(service.on_success) + " invalid");
  }
  const auto is_failure_action = [](std::string_view action) {
    return one_of(action, {"", "restart", "shutdown", "ignore", "success-shutdown"});
  };
  if (!is_failure_action(service.on_failure))
    return std::unexpected(prefix + "on-failure action " + quote(service.on_failure) + " invalid");
  for (const auto& [check, action] : service.on_check_failure) {
    if (!is_failure_action(action)) return std::unexpected(prefix + "on-check-failure action " + quote(action) + " invalid");
  }
  if (service.backoff_factor && *service.backoff_factor < 1) {
    return std::unexpected(prefix + "backoff-factor must be 1.0 or greater, not " + format_float(*service.backoff_factor));
  }
  return {};
}

Done validate_check(const Check& check, const Accounts& accounts) {
  const std::string prefix = "plan check " + quote(check.name) + " ";
  if (!one_of(check.level, {"", "alive", "ready"})) return std::unexpected(prefix + "level must be \"alive\" or \"ready\"");
  if (!one_of(check.startup, {"", "enabled", "disabled"}))
    return std::unexpected(prefix + "startup must be \"enabled\" or \"disabled\"");
  if (check.period && check.period->count() == 0) return std::unexpected(prefix + "period must not be zero");
  if (check.period && check.period->count() < 0) return std::unexpected(prefix + "period must not be negative");
  if (check.timeout && check.timeout->count() == 0) return std::unexpected(prefix + "timeout must not be zero");
  if (check.exec) {
    const ExecCheck& exec = *check.exec;
    if (const auto words = split_command(exec.command); !words)
      return std::unexpected(prefix + "command invalid: " + words.error());
    if (auto good = check_credentials(accounts, exec.user, exec.user_id, exec.group, exec.group_id); !good) {
      return std::unexpected(prefix + "has invalid user/group: " + good.error());
    }
  }
  return {};
}

bool is_header_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    const bool letter_or_digit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter_or_digit || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_header_value(std::string_view value) {
  return std::ranges::none_of(value, [](char c) { return (c >= '\0' && c < ' ' && c != '\t') || c == '\x7f'; });
}

/// Whether senders set a header themselves.
bool is_own_header(std::string_view name) {
  std::string lower(name);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return one_of(lower, {"content-type", "content-encoding", "content-length", "transfer-encoding", "connection"});
}

Done validate_log_target_additions(const LogTarget& target) {
  const std::string prefix = "log target " + quote(target.name) + ": ";
  for (const auto& [header, value] : target.headers) {
    if (!is_header_name(header)) return std::unexpected(prefix + "invalid header name " + quote(header));
    if (is_own_header(header)) return std::unexpected(prefix + "header " + quote(header) + " cannot be set");
    if (!is_header_value(value)) return std::unexpected(prefix + "invalid value of header " + quote(header));
  }
  if (!one_of(target.compression, {"", "gzip"}))
    return std::unexpected(prefix + "unsupported compression " + quote(target.compression) + ", must be \"gzip\"");
  return {};
}

Done validate_log_target(const LogTarget& target) {
  for (const auto& [label, value] : target.labels) {
    if (label.starts_with("pebble_")) {
      return std::unexpected("log target " + quote(target.name) + ": label " + quote(label) +
                             " uses reserved prefix \"pebble_\"");
    }
  }
  if (!one_of(target.type, {"", "loki", "opentelemetry", "syslog"})) {
    return std::unexpected("log target " + quote(target.name) + " has unsupported type " + quote(target.type) +
                           ", must be \"loki\", \"opentelemetry\" or \"syslog\"");
  }
  return validate_log_target_additions(target);
}

Done validate_services(const Layer& layer, const NullEntries& nulls) {
  for (const std::string& name : names_of(layer.services, nulls.services)) {
    if (auto done = check_service_name(name); !done) return done;
    if (is_null(nulls.services, name)) return std::unexpected("service object cannot be null for service " + quote(name));
    if (auto done = validate_service(layer.services.at(name)); !done) return done;
  }
  return {};
}

Done validate_checks(const Layer& layer, const NullEntries& nulls, const Accounts& accounts) {
  for (const std::string& name : names_of(layer.checks, nulls.checks)) {
    if (name.empty()) return std::unexpected("cannot use empty string as check name");
    if (is_null(nulls.checks, name)) return std::unexpected("check object cannot be null for check " + quote(name));
    if (auto done = validate_check(layer.checks.at(name), accounts); !done) return done;
  }
  return {};
}

Done validate_log_targets(const Layer& layer, const NullEntries& nulls) {
  for (const std::string& name : names_of(layer.log_targets, nulls.log_targets)) {
    if (is_null(nulls.log_targets, name))
      return std::unexpected("log target object cannot be null for log target " + quote(name));
    if (auto done = validate_log_target(layer.log_targets.at(name)); !done) return done;
  }
  return {};
}

Done validate_workloads(const Layer& layer, const NullEntries& nulls) {
  for (const std::string& name : names_of(layer.workloads, nulls.workloads)) {
    if (is_null(nulls.workloads, name)) return std::unexpected("workload " + quote(name) + ": cannot have a null value");
    if (name.empty()) return std::unexpected("workload \"\": cannot have an empty name");
  }
  return {};
}

}  // namespace

Done validate_layer(const Layer& layer, const NullEntries& nulls, const Accounts& accounts) {
  if (layer.label.starts_with("pebble-")) return std::unexpected("cannot use reserved label prefix \"pebble-\"");
  if (auto done = validate_services(layer, nulls); !done) return done;
  if (auto done = validate_checks(layer, nulls, accounts); !done) return done;
  if (auto done = validate_log_targets(layer, nulls); !done) return done;
  if (auto done = validate_workloads(layer, nulls); !done) return done;
  if (!one_of(layer.pairing_mode, {"", "disabled", "single", "multiple"})) {
    return std::unexpected("invalid pairing mode " + quote(layer.pairing_mode) +
                           ": should be \"disabled\", \"single\" or \"multiple\"");
  }
  return {};
}

}  // namespace cobble::layers
