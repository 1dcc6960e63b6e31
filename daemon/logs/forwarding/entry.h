#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace cobble::logs::forwarding {

/// Where an entry comes from, as a target is told: the service and the target's labels with its variables expanded.
struct Stream {
  std::string service;
  std::map<std::string, std::string> labels;
  bool operator==(const Stream&) const = default;
};

/// One entry that waits for its target, with the labels in force when it came.
struct QueuedEntry {
  std::int64_t time = 0;  ///< milliseconds since 1970
  std::shared_ptr<const Stream> stream;
  std::string message;

  /// Bytes that it takes in a queue.
  std::size_t cost() const { return sizeof(QueuedEntry) + message.size(); }
};

}  // namespace cobble::logs::forwarding
