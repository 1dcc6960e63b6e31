#include "daemon/api/services_listing.h"

#include "daemon/base/json_writer.h"

namespace cobble::api {

namespace {

/// Longer listings cost more memory than they save time.
constexpr std::size_t most_kept = 100;

/// What the reference doesn't tell stands under one key of its own.
void write_details(base::JsonWriter& json, const services::ServiceInfo& info, const process::Usage* usage) {
  json.key("details");
  json.begin_object();
  if (info.pid != 0) json.field("pid", info.pid);
  if (info.last_exit_code) json.field("last-exit-code", *info.last_exit_code);
  json.field("restarts", info.restarts);
  if (info.next_restart) json.field("next-restart", base::format_local(*info.next_restart));
  if (!info.last_error.empty()) json.field("last-error", info.last_error);
  if (info.has_log) {
    json.field("log-lines-overwritten", info.log_lines_overwritten);
    json.field("log-entries-lost", info.log_entries_lost);
  }
  if (usage) {
    json.field("cpu-ms", static_cast<std::int64_t>(usage->cpu_seconds * 1000));
    json.field("memory-bytes", usage->resident_bytes);
    json.field("open-fds", usage->open_fds);
  }
  json.end_object();
}

}  // namespace

std::string services_json(std::span<const services::ServiceInfo> infos, const std::map<std::string, process::Usage>& usages) {
  base::JsonWriter json;
  json.begin_array();
  for (const auto& info : infos) {
    json.begin_object();
    json.field("name", info.name);
    json.field("startup", info.enabled ? "enabled" : "disabled");
    json.field("current", services::current_word(info.current));
    if (info.current_since) json.field("current-since", base::format_local(*info.current_since));
    const auto usage = usages.find(info.name);
    if (info.known) write_details(json, info, usage == usages.end() ? nullptr : &usage->second);
    json.end_object();
  }
  json.end_array();
  return json.take();
}

std::string ServicesListing::of(std::vector<services::ServiceInfo> infos) {
  if (infos.size() > most_kept) return services_json(infos);
  if (json_.empty() || infos != infos_) {
    json_ = services_json(infos);
    infos_ = std::move(infos);
  }
  return json_;
}

}  // namespace cobble::api
