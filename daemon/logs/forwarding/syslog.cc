#include <chrono>

#include "daemon/base/time.h"
#include "daemon/logs/forwarding/encode.h"

namespace cobble::logs::forwarding {

namespace {

/// Facility user, severity notice.
constexpr std::string_view priority_and_version = "<13>1 ";
constexpr std::string_view structured_data_id = "pebble@28978";
constexpr std::size_t sd_name_limit = 32;

bool is_sd_name_byte(char c) {
  return c > ' ' && c < '\x7f' && c != '=' && c != ']' && c != '"';
}

/// PARAM-NAME of RFC 5424: printable ASCII without `=`, blank, `]` and `"`, 32 bytes at most; anything else becomes `_`.
void append_sd_name(std::string& out, std::string_view name) {
  if (name.empty()) out += '_';
  for (const char c : name.substr(0, sd_name_limit)) out += is_sd_name_byte(c) ? c : '_';
}

/// APP-NAME of RFC 5424: printable ASCII without blanks, 48 bytes at most.
void append_app_name(std::string& out, std::string_view service) {
  constexpr std::size_t app_name_limit = 48;
  for (const char c : service.substr(0, app_name_limit)) out += c > ' ' && c < '\x7f' ? c : '_';
}

}  // namespace

void append_syslog(std::string& out, const QueuedEntry& entry, std::string_view host_name, std::size_t message_limit) {
  out += priority_and_version;
  out += base::format_utc(base::WallTime(std::chrono::milliseconds(entry.time)));
  out.append(" ").append(host_name.empty() ? "-" : host_name) += ' ';
  append_app_name(out, entry.stream->service);
  out.append(" - - [").append(structured_data_id);
  for (const auto& [key, value] : entry.stream->labels) {
    out += ' ';
    append_sd_name(out, key);
    out += "=\"";
    for (const char c : value) {
      if (c == '"' || c == '\\' || c == ']') out += '\\';
      out += c;
    }
    out += '"';
  }
  out += "] ";
  if (entry.message.size() > message_limit) {
    constexpr std::string_view cut = "...";
    out.append(entry.message, 0, message_limit - cut.size()).append(cut);
  } else {
    out += entry.message;
  }
}

void append_syslog_frame(std::string& out, const QueuedEntry& entry, std::string_view host_name) {
  std::string message;
  append_syslog(message, entry, host_name, std::string::npos);
  out.append(std::to_string(message.size())).append(" ").append(message);
}

}  // namespace cobble::logs::forwarding
