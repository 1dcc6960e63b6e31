#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/logs/forwarding/entry.h"

/// The wire forms of entries (contract 07, section 8). Pure.
namespace cobble::logs::forwarding {

/// The body of a Loki push request (loki.cc).
std::string encode_loki(std::span<const QueuedEntry> entries);

/// The body of an OTLP/HTTP request in JSON (opentelemetry.cc).
std::string encode_opentelemetry(std::span<const QueuedEntry> entries);

/// Appends one RFC 5424 message; `message_limit`: bytes of MSG, longer ones end in `...` (syslog.cc).
void append_syslog(std::string& out, const QueuedEntry& entry, std::string_view host_name, std::size_t message_limit);
/// The same, framed by octet counting for streams.
void append_syslog_frame(std::string& out, const QueuedEntry& entry, std::string_view host_name);

/// Entries of each service together, services in byte order, those of one service as they came; of a service whose labels changed
/// in between one group for each set of labels.
std::vector<std::vector<const QueuedEntry*>> group_by_stream(std::span<const QueuedEntry> entries);

/// Appends a time as nanoseconds since 1970 in quotes.
void append_nanoseconds(std::string& out, std::int64_t milliseconds);

}  // namespace cobble::logs::forwarding
