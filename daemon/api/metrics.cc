#include <unistd.h>

#include <map>
#include <utility>

#include "daemon/api/handlers.h"
#include "daemon/api/metrics_text.h"
#include "daemon/base/blocking.h"
#include "daemon/base/log.h"
#include "daemon/checks/manager.h"
#include "daemon/logs/forwarding/forwarder.h"
#include "daemon/logs/manager.h"
#include "daemon/process/usage.h"
#include "daemon/services/manager.h"

namespace cobble::api {

namespace {

using Seconds = std::chrono::duration<double>;
using Services = std::vector<services::ServiceInfo>;

/// What processes use, by service; the daemon's own under the empty name.
using Usages = std::map<std::string, process::Usage>;

/// The families of the contract (06 section 2.7).
void write_contract_families(MetricsText& text, Context& context) {
  const auto services = context.services.metrics();
  text.family("pebble_service_active", "gauge", "Whether the service is currently active (1) or not (0)");
  for (const auto& service : services) text.sample("service", service.name, std::uint64_t(service.active ? 1 : 0));
  text.family("pebble_service_start_count", "counter", "Number of times the service has started");
  for (const auto& service : services) text.sample("service", service.name, service.start_count);

  const auto checks = context.checks.metrics();
  text.family("pebble_check_up", "gauge", "Whether the health check is up (1) or not (0)");
  for (const auto& check : checks) {
    if (check.status == checks::CheckStatus::inactive) continue;
    text.sample("check", check.name, std::uint64_t(check.status == checks::CheckStatus::up ? 1 : 0));
  }
  text.family("pebble_check_success_count", "counter", "Number of times the check has succeeded");
  for (const auto& check : checks) text.sample("check", check.name, check.successes);
  text.family("pebble_check_failure_count", "counter", "Number of times the check has failed");
  for (const auto& check : checks) text.sample("check", check.name, check.failures);
}

void write_service_families(MetricsText& text, Context& context, const Services& services, const Usages& usages) {
  text.family("pebble_service_restart_count", "counter", "Number of times the service was restarted automatically");
  for (const auto& service : services)
    if (service.known) text.sample("service", service.name, service.restarts);
  text.family("pebble_service_last_exit_code", "gauge",
              "Exit code of the service's last process that ended (128 and more: by a signal)");
  for (const auto& service : services)
    if (service.last_exit_code) text.sample("service", service.name, static_cast<double>(*service.last_exit_code));

  const auto each_usage = [&](auto value) {
    for (const auto& service : services)
      if (const auto usage = usages.find(service.name); usage != usages.end())
        text.sample("service", service.name, value(usage->second));
  };
  text.family("pebble_service_cpu_seconds_total", "counter",
              "CPU time of the service's main process and the children it has waited for");
  each_usage([](const process::Usage& usage) { return usage.cpu_seconds; });
  text.family("pebble_service_resident_memory_bytes", "gauge", "Resident memory of the service's main process");
  each_usage([](const process::Usage& usage) { return usage.resident_bytes; });
  text.family("pebble_service_open_fds", "gauge", "Open file descriptors of the service's main process");
  each_usage([](const process::Usage& usage) { return usage.open_fds; });

  text.family("pebble_service_log_bytes_total", "counter", "Bytes of log entries of the service so far");
  for (const auto& [name, log] : context.logs.all()) text.sample("service", name, log->buffer().end_position());
  text.family("pebble_service_log_lines_overwritten_total", "counter", "Lines of the service that made room for newer ones");
  for (const auto& [name, log] : context.logs.all()) text.sample("service", name, log->buffer().overwritten());
  text.family("pebble_service_log_entries_lost_total", "counter",
              "Log entries of the service that a follower or a log target missed");
  for (const auto& [name, log] : context.logs.all()) text.sample("service", name, log->lost());
}

void write_check_families(MetricsText& text, Context& context) {
  text.family("pebble_check_last_duration_seconds", "gauge", "How long the check's last run took");
  for (const auto& check : context.checks.metrics())
    if (check.has_run) text.sample("check", check.name, Seconds(check.last_duration).count());
}

void write_log_target_families(MetricsText& text, const std::vector<logs::forwarding::TargetStatus>& targets) {
  text.family("pebble_log_target_up", "gauge", "Whether the log target took the last request (1) or not (0)");
  for (const auto& target : targets)
    if (target.up) text.sample("target", target.name, std::uint64_t(*target.up ? 1 : 0));
  text.family("pebble_log_target_entries_sent_total", "counter", "Log entries that the target took");
  for (const auto& target : targets) text.sample("target", target.name, target.sent);
  text.family("pebble_log_target_entries_dropped_total", "counter", "Log entries that the target will never get");
  for (const auto& target : targets) text.sample("target", target.name, target.dropped);
  text.family("pebble_log_target_queue_bytes", "gauge", "Size of the log entries that wait for the target");
  for (const auto& target : targets) text.sample("target", target.name, std::uint64_t(target.queued_bytes));
}

/// The daemon itself, under the names that Prometheus has for every process.
void write_process_families(MetricsText& text, const Usages& usages, std::optional<double> start_time) {
  if (const auto usage = usages.find(""); usage != usages.end()) {
    text.family("process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds");
    text.sample(usage->second.cpu_seconds);
    text.family("process_resident_memory_bytes", "gauge", "Resident memory size in bytes");
    text.sample(usage->second.resident_bytes);
    text.family("process_open_fds", "gauge", "Number of open file descriptors");
    text.sample(usage->second.open_fds);
  }
  if (start_time) {
    text.family("process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds");
    text.sample(*start_time);
  }
  text.family("pebble_dropped_log_lines_total", "counter",
              "Lines of the daemon's own log that were dropped because nobody took them");
  text.sample(base::dropped_log_lines());
}

/// Everything that is told beyond the contract.
Task<void> write_more(MetricsText& text, Context& context) {
  auto processes = services::processes_of(context.services.list({}));
  processes[""] = ::getpid();
  // /proc is read on the pool: many services mean many files.
  const auto read = co_await base::blocking(
      [processes = std::move(processes)] { return std::pair(process::usages_of(processes), process::own_start_time()); });
  write_service_families(text, context, context.services.list({}), read.first);
  write_check_families(text, context);
  write_log_target_families(text, context.forwarder.statuses());
  write_process_families(text, read.first, read.second);
}

}  // namespace

/// Exactly the contract's text; with `?extended=true` more families follow.
Task<Response> get_metrics(Context& context, Request& request) {
  MetricsText text;
  write_contract_families(text, context);
  if (request.query.get("extended") == "true") co_await write_more(text, context);
  Response response;
  response.body = text.take();
  response.content_type = response.body.empty() ? "" : "text/plain; charset=utf-8";
  co_return response;
}

}  // namespace cobble::api
