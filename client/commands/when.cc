#include "client/commands/when.h"

#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace cobble::client {
namespace {

/// Makes the C library forget a `TZ` that names no zone: it would show the wrong name for UTC.
void prepare_zone() {
  static const bool done = [] {
    const char* zone = std::getenv("TZ");
    if (zone && *zone != '\0') {
      const std::string name = *zone == ':' ? zone + 1 : zone;
      struct stat info{};
      const std::string path = name.starts_with('/') ? name : "/usr/share/zoneinfo/" + name;
      if (stat(path.c_str(), &info) != 0) setenv("TZ", "UTC0", 1);
    }
    tzset();
    return true;
  }();
  static_cast<void>(done);
}

std::tm local_time(std::int64_t seconds) {
  const auto when = static_cast<std::time_t>(seconds);
  std::tm local{};
  localtime_r(&when, &local);
  return local;
}

/// The number of a calendar day.
std::int64_t day_number(const std::tm& local) {
  using namespace std::chrono;
  const year_month_day date{year{local.tm_year + 1900}, month{static_cast<unsigned>(local.tm_mon + 1)},
                            day{static_cast<unsigned>(local.tm_mday)}};
  return sys_days{date}.time_since_epoch().count();
}

}  // namespace

std::string show_time_at(const Time& time, std::int64_t now) {
  prepare_zone();
  const std::tm local = local_time(time.seconds);
  const std::int64_t days = day_number(local) - day_number(local_time(now));
  char text[64];
  if (days > 60 || days < -60) {
    std::snprintf(text, sizeof text, "%04d-%02d-%02d", local.tm_year + 1900, local.tm_mon + 1, local.tm_mday);
    return text;
  }
  std::snprintf(text, sizeof text, "at %02d:%02d ", local.tm_hour, local.tm_min);
  const std::string clock = std::string(text) + (local.tm_zone ? local.tm_zone : "UTC");
  if (days == 0) return "today " + clock;
  if (days == -1) return "yesterday " + clock;
  if (days == 1) return "tomorrow " + clock;
  return days < 0 ? std::to_string(-days) + " days ago, " + clock : "in " + std::to_string(days) + " days, " + clock;
}

std::string show_time(const std::optional<Time>& time, bool absolute) {
  if (!time || time->is_zero()) return "-";
  if (absolute) return format_time_seconds(*time);
  return show_time_at(*time, std::time(nullptr));
}

}  // namespace cobble::client
