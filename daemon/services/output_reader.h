#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>

#include "daemon/base/fd.h"
#include "daemon/base/loop.h"
#include "daemon/logs/service_log.h"

namespace cobble::services {

/// Carries the output of one launch from its pipe into the service's log: a bounded read a turn, with pauses when the log asks
/// for them.
class OutputReader {
 public:
  /// `log` must outlive this object.
  OutputReader(base::IoContext& loop, base::UniqueFd read_end, logs::ServiceLog& log);
  ~OutputReader();
  OutputReader(const OutputReader&) = delete;
  OutputReader& operator=(const OutputReader&) = delete;

  /// Takes what is in the pipe right now (bounded), however much the log would like to pause: the process has ended and its last
  /// words belong to what is told of its end.
  void drain();
  /// Reads on until nobody holds the pipe, but closes it after `limit`: later writers get EPIPE.
  void close_after(base::Nanoseconds limit);
  /// Whether the pipe has been closed.
  bool ended() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
  base::Timer limit_timer_;
};

}  // namespace cobble::services
