#include "client/commands/top/model.h"

#include <algorithm>

namespace cobble::client::top {

std::optional<Nanoseconds> uptime(const ServiceInfo& service, std::int64_t now) {
  if (service.current != "active" || !service.current_since) return std::nullopt;
  return std::chrono::seconds(std::max<std::int64_t>(0, now - service.current_since->seconds));
}

std::optional<double> CpuMeter::look(const ServiceInfo& service, Nanoseconds at) {
  const ServiceDetails& details = service.details;
  if (!details.pid || !details.cpu_ms) {
    last_.erase(service.name);
    return std::nullopt;
  }
  Sample& last = last_[service.name];
  const Sample before = std::exchange(last, {*details.pid, *details.cpu_ms, at});
  if (before.pid != last.pid || last.at <= before.at || last.cpu_ms < before.cpu_ms) return std::nullopt;
  const std::chrono::duration<double, std::milli> span = last.at - before.at;
  return 100.0 * static_cast<double>(last.cpu_ms - before.cpu_ms) / span.count();
}

}  // namespace cobble::client::top
