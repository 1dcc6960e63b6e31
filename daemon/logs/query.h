#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "daemon/logs/entries.h"
#include "daemon/logs/manager.h"

/// What is there of the logs of several services, as one sequence (contract 07, sections 3.3 and 3.4).
namespace cobble::logs {

/// Which services somebody wants; an empty set means all, also those that start later.
using Selection = std::set<std::string, std::less<>>;

/// Writes entries as lines of JSON with the keys `time`, `service` and `message`.
class JsonLines {
 public:
  void append(std::string& out, std::string_view service, const Entry& entry);

 private:
  std::int64_t time_ = -1;
  std::string time_text_;  ///< of `time_`, quoted; neighbours often have the same
};

/// The entries that are there when it is made, merged by time, those of one time by service. It reads them as they are asked for,
/// so memory doesn't depend on their number; what gets overwritten meanwhile is marked.
class History {
 public:
  struct Source {
    std::shared_ptr<ServiceLog> log;
    Reader reader;
    std::uint64_t end;  ///< number behind the last line that counts
  };

  /// `newest`: how many entries over all services together; -1: all of them.
  History(const Manager& manager, const Selection& selection, std::int64_t newest);

  /// Appends lines of JSON until `out` has at least `size` bytes or there are no more; false in the latter case.
  bool fill(std::string& out, std::size_t size);
  /// The readers as they stand, for somebody who goes on from there.
  std::vector<Source> take_sources() { return std::move(sources_); }

 private:
  /// The source whose next entry comes first stands first in the heap.
  struct Next {
    std::int64_t time;
    std::size_t source;
    bool operator>(const Next& other) const { return time != other.time ? time > other.time : source > other.source; }
  };
  void seek_newest(std::size_t count);
  void push(std::size_t source);

  std::vector<Source> sources_;  ///< in byte order of service names
  std::vector<Next> heap_;
  JsonLines json_;
};

}  // namespace cobble::logs
