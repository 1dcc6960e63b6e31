#include "layers/combine.h"

#include <algorithm>

#include "layers/order.h"
#include "layers/quote.h"

namespace cobble::layers {

namespace {

using Done = std::expected<void, std::string>;

void overlay(std::string& lower, const std::string& upper) {
  if (!upper.empty()) lower = upper;
}

void overlay(std::int64_t& lower, std::int64_t upper) {
  if (upper != 0) lower = upper;
}

template <typename T>
void overlay(std::optional<T>& lower, const std::optional<T>& upper) {
  if (upper) lower = upper;
}

void overlay(std::optional<StringMap>& lower, const std::optional<StringMap>& upper) {
  if (!upper || upper->empty()) return;
  if (!lower) lower.emplace();
  for (const auto& [name, value] : *upper) (*lower)[name] = value;
}

void overlay(StringMap& lower, const StringMap& upper) {
  for (const auto& [name, value] : upper) lower[name] = value;
}

void append(std::vector<std::string>& lower, const std::vector<std::string>& upper) {
  lower.insert(lower.end(), upper.begin(), upper.end());
}

void merge(Service& lower, const Service& upper) {
  overlay(lower.summary, upper.summary);
  overlay(lower.description, upper.description);
  overlay(lower.startup, upper.startup);
  overlay(lower.command, upper.command);
  append(lower.after, upper.after);
  append(lower.before, upper.before);
  append(lower.requires_services, upper.requires_services);
  overlay(lower.workload, upper.workload);
  overlay(lower.environment, upper.environment);
  overlay(lower.user_id, upper.user_id);
  overlay(lower.user, upper.user);
  overlay(lower.group_id, upper.group_id);
  overlay(lower.group, upper.group);
  overlay(lower.working_dir, upper.working_dir);
  overlay(lower.on_success, upper.on_success);
  overlay(lower.on_failure, upper.on_failure);
  overlay(lower.on_check_failure, upper.on_check_failure);
  overlay(lower.backoff_delay, upper.backoff_delay);
  overlay(lower.backoff_factor, upper.backoff_factor);
  overlay(lower.backoff_limit, upper.backoff_limit);
  overlay(lower.kill_delay, upper.kill_delay);
}

void merge(std::optional<HttpCheck>& lower, const std::optional<HttpCheck>& upper) {
  if (!upper) return;
  if (!lower) lower.emplace();
  overlay(lower->url, upper->url);
  overlay(lower->headers, upper->headers);
}

void merge(std::optional<TcpCheck>& lower, const std::optional<TcpCheck>& upper) {
  if (!upper) return;
  if (!lower) lower.emplace();
  overlay(lower->port, upper->port);
  overlay(lower->host, upper->host);
}

void merge(std::optional<ExecCheck>& lower, const std::optional<ExecCheck>& upper) {
  if (!upper) return;
  if (!lower) lower.emplace();
  overlay(lower->command, upper->command);
  overlay(lower->service_context, upper->service_context);
  overlay(lower->environment, upper->environment);
  overlay(lower->user_id, upper->user_id);
  overlay(lower->user, upper->user);
  overlay(lower->group_id, upper->group_id);
  overlay(lower->group, upper->group);
  overlay(lower->working_dir, upper->working_dir);
}

void merge(Check& lower, const Check& upper) {
  overlay(lower.level, upper.level);
  overlay(lower.startup, upper.startup);
  overlay(lower.period, upper.period);
  overlay(lower.timeout, upper.timeout);
  overlay(lower.threshold, upper.threshold);
  merge(lower.http, upper.http);
  merge(lower.tcp, upper.tcp);
  merge(lower.exec, upper.exec);
}

void merge(LogTarget& lower, const LogTarget& upper) {
  overlay(lower.type, upper.type);
  overlay(lower.location, upper.location);
  append(lower.services, upper.services);
  overlay(lower.labels, upper.labels);
  overlay(lower.tls.ca_file, upper.tls.ca_file);
  overlay(lower.tls.cert_file, upper.tls.cert_file);
  overlay(lower.tls.key_file, upper.tls.key_file);
  overlay(lower.headers, upper.headers);
  overlay(lower.compression, upper.compression);
}

void merge(Workload& lower, const Workload& upper) {
  overlay(lower.environment, upper.environment);
  overlay(lower.user_id, upper.user_id);
  overlay(lower.user, upper.user);
  overlay(lower.group_id, upper.group_id);
  overlay(lower.group, upper.group);
}

/// Lays one kind of entry over those below; `what` names the kind in messages.
template <typename Entry>
Done lay_over(std::map<std::string, Entry>& lower, const std::map<std::string, Entry>& upper, const std::string& label,
              std::string_view what) {
  for (const auto& [name, entry] : upper) {
    if (entry.override_policy == Override::none) {
      return std::unexpected("layer " + quote(label) + " must define \"override\" for " + std::string(what) + " " + quote(name));
    }
    if (entry.override_policy == Override::invalid) {
      return std::unexpected("layer " + quote(label) + " has invalid \"override\" value for " + std::string(what) + " " +
                             quote(name));
    }
  }
  if (lower.empty()) {
    lower = upper;
    return {};
  }
  for (const auto& [name, entry] : upper) {
    const auto [place, fresh] = lower.try_emplace(name, entry);
    if (fresh) continue;
    if (entry.override_policy == Override::replace) {
      place->second = entry;
    } else {
      merge(place->second, entry);
    }
  }
  return {};
}

Done lay_over_workloads(std::map<std::string, Workload>& lower, const std::map<std::string, Workload>& upper) {
  for (const auto& [name, workload] : upper) {
    if (workload.override_policy == Override::none)
      return std::unexpected("workload " + quote(name) + ": must define an \"override\" policy");
    if (workload.override_policy == Override::invalid) {
      return std::unexpected("workload " + quote(name) +
                             ": has an invalid \"override\" policy: " + quote(workload.override_text));
    }
  }
  return lay_over(lower, upper, "", "workload");
}

/// Lays a layer's entries over `target`, a Plan or a Layer.
template <typename Target>
Done lay_layer_over(Target& target, const Layer& layer) {
  if (auto done = lay_over(target.services, layer.services, layer.label, "service"); !done) return done;
  if (auto done = lay_over(target.checks, layer.checks, layer.label, "check"); !done) return done;
  if (auto done = lay_over(target.log_targets, layer.log_targets, layer.label, "log target"); !done) return done;
  overlay(target.pairing_mode, layer.pairing_mode);
  return {};
}

void fill_in_defaults(Plan& plan) {
  for (auto& [name, check] : plan.checks) {
    if (check.threshold == 0) check.threshold = Check::default_threshold;
    if (check.timeout && *check.timeout > check.effective_period()) check.timeout = check.effective_period();
  }
}

Done check_services(const Plan& plan) {
  for (const auto& [name, service] : plan.services) {
    if (service.command.empty()) return std::unexpected("plan must define \"command\" for service " + quote(name));
  }
  return {};
}

Done check_check(const Plan& plan, const std::string& name, const Check& check) {
  if (check.http && check.http->url.empty()) return std::unexpected("plan must set \"url\" for http check " + quote(name));
  if (check.tcp && check.tcp->port == 0) return std::unexpected("plan must set \"port\" for tcp check " + quote(name));
  if (check.exec) {
    if (check.exec->command.empty()) return std::unexpected("plan must set \"command\" for exec check " + quote(name));
    const std::string& context = check.exec->service_context;
    if (!context.empty() && !plan.services.contains(context)) {
      return std::unexpected("plan check " + quote(name) + " service context specifies non-existent service " + quote(context));
    }
  }
  if (check.http.has_value() + check.tcp.has_value() + check.exec.has_value() != 1) {
    return std::unexpected("plan must specify one of \"http\", \"tcp\", or \"exec\" for check " + quote(name));
  }
  return {};
}

Done check_log_target(const Plan& plan, const std::string& name, const LogTarget& target) {
  if (target.type.empty()) {
    return std::unexpected("plan must define \"type\" (\"loki\", \"opentelemetry\" or \"syslog\") for log target " + quote(name));
  }
  for (std::string_view service : target.services) {
    if (service.starts_with('-')) service.remove_prefix(1);
    if (service == "all" || plan.services.contains(std::string(service))) continue;
    return std::unexpected("log target " + quote(name) + " specifies unknown service " + quote(service));
  }
  if (target.location.empty()) return std::unexpected("plan must define \"location\" for log target " + quote(name));
  if (!target.tls.key_file.empty() && target.tls.cert_file.empty())
    return std::unexpected("plan must define \"cert-file\" where it defines \"key-file\" for log target " + quote(name));
  return {};
}

Done check_order(const Plan& plan) {
  for (const auto& [name, service] : plan.services) {
    for (const std::string& other : service.requires_services) {
      if (!plan.services.contains(other)) return std::unexpected("service " + quote(other) + " does not exist");
    }
  }
  if (const auto loop = find_order_loop(plan)) {
    std::string names;
    for (const std::string& name : *loop) names += (names.empty() ? "" : ", ") + name;
    return std::unexpected("services in before/after loop: " + names);
  }
  return {};
}

Done check_workloads(const Plan& plan, const Accounts& accounts) {
  for (const auto& [name, service] : plan.services) {
    if (service.workload.empty()) continue;
    if (!plan.workloads.contains(service.workload)) {
      return std::unexpected("workload " + quote(service.workload) + ": not defined for service " + quote(name));
    }
    if (!service.user.empty() || service.user_id) {
      return std::unexpected("plan service " + quote(name) + " cannot have user information and a workload at the same time");
    }
    if (!service.group.empty() || service.group_id) {
      return std::unexpected("plan service " + quote(name) + " cannot have group information and a workload at the same time");
    }
  }
  for (const auto& [name, workload] : plan.workloads) {
    if (auto good = check_credentials(accounts, workload.user, workload.user_id, workload.group, workload.group_id); !good) {
      return std::unexpected("workload " + quote(name) + ": " + good.error());
    }
  }
  return {};
}

Done check_plan(const Plan& plan, const Accounts& accounts) {
  if (auto done = check_services(plan); !done) return done;
  for (const auto& [name, check] : plan.checks) {
    if (auto done = check_check(plan, name, check); !done) return done;
    if (!check.exec) continue;
    const ExecCheck& exec = *check.exec;
    if (auto good = check_credentials(accounts, exec.user, exec.user_id, exec.group, exec.group_id); !good) {
      return std::unexpected("plan check " + quote(name) + " has invalid user/group: " + good.error());
    }
  }
  for (const auto& [name, target] : plan.log_targets) {
    if (auto done = check_log_target(plan, name, target); !done) return done;
  }
  if (auto done = check_order(plan); !done) return done;
  return check_workloads(plan, accounts);
}

}  // namespace

bool LogTarget::selects(std::string_view service) const {
  for (auto item = services.rbegin(); item != services.rend(); ++item) {
    std::string_view word = *item;
    const bool without = word.starts_with('-');
    if (without) word.remove_prefix(1);
    if (word == service || word == "all") return !without;
  }
  return false;
}

Done check_credentials(const Accounts& accounts, const std::string& user, std::optional<std::int64_t> user_id,
                       const std::string& group, std::optional<std::int64_t> group_id) {
  const auto mismatch = [](std::string_view kind, const std::string& name, std::string_view id, std::int64_t real,
                           std::int64_t given) {
    return std::unexpected(std::string(kind) + " " + quote(name) + " " + std::string(id) + " (" + std::to_string(real) +
                           ") does not match " + std::string(kind) + "-id (" + std::to_string(given) + ")");
  };
  if (!user.empty()) {
    const auto uid = accounts.user_id(user);
    if (!uid) return std::unexpected("user: unknown user " + user);
    if (user_id && *user_id != *uid) return mismatch("user", user, "UID", *uid, *user_id);
  } else if (user_id && group.empty() && !group_id && !accounts.has_user_id(*user_id)) {
    return std::unexpected("user: unknown userid " + std::to_string(*user_id));
  }
  if (!group.empty()) {
    const auto gid = accounts.group_id(group);
    if (!gid) return std::unexpected("group: unknown group " + group);
    if (group_id && *group_id != *gid) return mismatch("group", group, "GID", *gid, *group_id);
  }
  if (user.empty() && !user_id && (!group.empty() || group_id)) return std::unexpected("must specify user, not just group");
  return {};
}

std::expected<Plan, std::string> combine(std::span<const std::shared_ptr<const Layer>> layers, const Accounts& accounts) {
  Plan plan;
  for (const auto& layer : layers) {
    if (auto done = lay_over_workloads(plan.workloads, layer->workloads); !done) return std::unexpected(std::move(done.error()));
  }
  for (const auto& layer : layers) {
    if (auto done = lay_layer_over(plan, *layer); !done) return std::unexpected(std::move(done.error()));
  }
  fill_in_defaults(plan);
  if (auto done = check_plan(plan, accounts); !done) return std::unexpected(std::move(done.error()));
  return plan;
}

std::expected<Layer, std::string> merge_layers(const Layer& lower, const Layer& upper) {
  Layer merged = lower;
  if (auto done = lay_over_workloads(merged.workloads, upper.workloads); !done) return std::unexpected(std::move(done.error()));
  if (auto done = lay_layer_over(merged, upper); !done) return std::unexpected(std::move(done.error()));
  merged.summary = upper.summary;
  merged.description = upper.description;
  return merged;
}

}  // namespace cobble::layers
