#include "daemon/base/json_writer.h"
#include "daemon/logs/forwarding/encode.h"

namespace cobble::logs::forwarding {

namespace {

void append_labels(std::string& out, const Stream& stream) {
  auto labels = stream.labels;
  labels["pebble_service"] = stream.service;
  out += '{';
  for (const auto& [key, value] : labels) {
    if (out.back() != '{') out += ',';
    base::append_json_string(out, key);
    out += ':';
    base::append_json_string(out, value);
  }
  out += '}';
}

}  // namespace

std::string encode_loki(std::span<const QueuedEntry> entries) {
  std::string out = "{\"streams\":[";
  for (const auto& group : group_by_stream(entries)) {
    if (out.back() != '[') out += ',';
    out += "{\"stream\":";
    append_labels(out, *group.front()->stream);
    out += ",\"values\":[";
    for (const QueuedEntry* entry : group) {
      if (out.back() != '[') out += ',';
      out += '[';
      append_nanoseconds(out, entry->time);
      out += ',';
      base::append_json_string(out, entry->message);
      out += ']';
    }
    out += "]}";
  }
  out += "]}";
  return out;
}

}  // namespace cobble::logs::forwarding
