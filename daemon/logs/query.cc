#include "daemon/logs/query.h"

#include <algorithm>
#include <chrono>

#include "daemon/base/json_writer.h"
#include "daemon/base/time.h"

namespace cobble::logs {

void JsonLines::append(std::string& out, std::string_view service, const Entry& entry) {
  if (entry.time != time_) {
    time_ = entry.time;
    time_text_ = '"' + base::format_utc(base::WallTime(std::chrono::milliseconds(time_))) + '"';
  }
  out.append("{\"time\":").append(time_text_).append(",\"service\":");
  base::append_json_string(out, service, base::Markup::keep);
  out.append(",\"message\":");
  base::append_json_string(out, entry.message, base::Markup::keep);
  out.append("}\n");
}

History::History(const Manager& manager, const Selection& selection, std::int64_t newest) {
  for (const auto& [name, log] : manager.all()) {
    if (!selection.empty() && !selection.contains(name)) continue;
    sources_.push_back({log, Reader(log->buffer(), name), log->buffer().next_number()});
  }
  if (newest >= 0) seek_newest(static_cast<std::size_t>(newest));
  for (std::size_t i = 0; i < sources_.size(); ++i) push(i);
}

void History::seek_newest(std::size_t count) {
  // Backwards over lines, the newest first, until they have enough entries.
  struct Previous {
    std::int64_t time;
    std::size_t source;
    std::uint64_t line;
    bool operator<(const Previous& other) const { return time != other.time ? time < other.time : source < other.source; }
  };
  std::vector<Previous> heap;
  const auto push_line = [&](std::size_t source, std::uint64_t line) {
    const RingBuffer& buffer = sources_[source].log->buffer();
    if (line <= buffer.first_number()) return;
    heap.push_back({buffer.line(line - 1).time, source, line - 1});
    std::ranges::push_heap(heap, std::less<>());
  };
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    sources_[i].reader.skip_all(sources_[i].log->buffer());
    push_line(i, sources_[i].end);
  }
  std::size_t found = 0;
  while (found < count && !heap.empty()) {
    std::ranges::pop_heap(heap, std::less<>());
    const Previous at = heap.back();
    heap.pop_back();
    Source& source = sources_[at.source];
    const RingBuffer& buffer = source.log->buffer();
    source.reader.seek(buffer, at.line);
    found += source.reader.pieces(buffer, at.line);
    // Of the oldest line only the last pieces may be wanted.
    for (; found > count; --found) source.reader.next(buffer, true);
    push_line(at.source, at.line);
  }
}

void History::push(std::size_t source) {
  const Source& s = sources_[source];
  const auto time = s.reader.next_time(s.log->buffer());
  if (!time || s.reader.line_number() >= s.end) return;
  heap_.push_back({*time, source});
  std::ranges::push_heap(heap_, std::greater<>());
}

bool History::fill(std::string& out, std::size_t size) {
  while (!heap_.empty()) {
    if (out.size() >= size) return true;
    std::ranges::pop_heap(heap_, std::greater<>());
    const std::size_t index = heap_.back().source;
    heap_.pop_back();
    Source& source = sources_[index];
    if (const auto entry = source.reader.next(source.log->buffer(), true)) json_.append(out, source.log->name(), *entry);
    push(index);
  }
  return false;
}

}  // namespace cobble::logs
