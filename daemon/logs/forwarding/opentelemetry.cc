#include "daemon/base/json_writer.h"
#include "daemon/logs/forwarding/encode.h"

namespace cobble::logs::forwarding {

namespace {

constexpr std::string_view service_name_key = "service.name";

void append_attribute(std::string& out, std::string_view key, std::string_view value) {
  out += '{';
  if (!key.empty()) {
    out += "\"key\":";
    base::append_json_string(out, key);
    out += ',';
  }
  out += "\"value\":{\"stringValue\":";
  base::append_json_string(out, value);
  out += "}}";
}

void append_resource(std::string& out, const Stream& stream) {
  // A label of that name says what the user wants the service to be called; two attributes of one key would be invalid.
  const auto named = stream.labels.find(std::string(service_name_key));
  out += "{\"attributes\":[";
  append_attribute(out, service_name_key, named == stream.labels.end() ? stream.service : named->second);
  for (const auto& [key, value] : stream.labels) {
    if (key == service_name_key) continue;
    out += ',';
    append_attribute(out, key, value);
  }
  out += "]}";
}

}  // namespace

std::string encode_opentelemetry(std::span<const QueuedEntry> entries) {
  std::string out = "{\"resourceLogs\":[";
  for (const auto& group : group_by_stream(entries)) {
    if (out.back() != '[') out += ',';
    out += "{\"resource\":";
    append_resource(out, *group.front()->stream);
    out += ",\"scopeLogs\":[{\"scope\":{\"name\":\"pebble\"},\"logRecords\":[";
    for (const QueuedEntry* entry : group) {
      if (out.back() != '[') out += ',';
      out += "{\"timeUnixNano\":";
      append_nanoseconds(out, entry->time);
      out += ",\"body\":{\"stringValue\":";
      base::append_json_string(out, entry->message);
      out += "}}";
    }
    out += "]}]}";
  }
  out += "]}";
  return out;
}

}  // namespace cobble::logs::forwarding
