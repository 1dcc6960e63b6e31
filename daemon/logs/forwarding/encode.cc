#include "daemon/logs/forwarding/encode.h"

#include <map>

namespace cobble::logs::forwarding {

std::vector<std::vector<const QueuedEntry*>> group_by_stream(std::span<const QueuedEntry> entries) {
  struct Less {
    bool operator()(const Stream* a, const Stream* b) const {
      return a->service != b->service ? a->service < b->service : a->labels < b->labels;
    }
  };
  std::map<const Stream*, std::size_t, Less> order;  // to a place in `groups`
  std::vector<std::vector<const QueuedEntry*>> groups;
  const Stream* last = nullptr;
  std::size_t last_group = 0;
  for (const QueuedEntry& entry : entries) {
    if (entry.stream.get() != last) {
      last = entry.stream.get();
      const auto [place, added] = order.try_emplace(last, groups.size());
      last_group = place->second;
      if (added) groups.emplace_back();
    }
    groups[last_group].push_back(&entry);
  }
  std::vector<std::vector<const QueuedEntry*>> sorted;
  sorted.reserve(groups.size());
  for (const auto& [stream, index] : order) sorted.push_back(std::move(groups[index]));
  return sorted;
}

void append_nanoseconds(std::string& out, std::int64_t milliseconds) {
  out.append("\"").append(std::to_string(milliseconds)).append("000000\"");
}

}  // namespace cobble::logs::forwarding
