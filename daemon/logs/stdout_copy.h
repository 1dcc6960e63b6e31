#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "daemon/base/fd_writer.h"
#include "daemon/logs/service_log.h"

namespace cobble::logs {

/// Copies the output of all services to a descriptor, `TIME [SERVICE] LINE`, in whole lines, so that services never mix inside
/// one (contract 07, section 5.4). Nobody ever waits for it: what a stalled reader doesn't take is replaced by the mark of lost
/// entries.
class StdoutCopy final : public Subscriber {
 public:
  /// `fd` is not owned and may be shared.
  explicit StdoutCopy(int fd);
  ~StdoutCopy() override;

  void log_grew(ServiceLog& log) override;
  void log_removed(ServiceLog& log) override;
  bool holds_back(const ServiceLog&) const override { return false; }

 private:
  struct State {
    std::uint64_t next_line;    ///< number of the line to copy next
    bool mark_pending = false;  ///< lines were lost
  };
  void append_line(const ServiceLog& log, std::int64_t time, std::string_view text);

  base::FdWriter writer_;
  std::unordered_map<const ServiceLog*, State> states_;
  std::string block_;    ///< reused
  std::string scratch_;  ///< reused
};

}  // namespace cobble::logs
