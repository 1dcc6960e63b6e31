#include "daemon/logs/stdout_copy.h"

#include <chrono>

#include "daemon/base/time.h"
#include "daemon/logs/entries.h"

namespace cobble::logs {

namespace {

/// Bytes that may wait for a reader.
constexpr std::size_t queue_limit = 4 * 1024 * 1024;
/// How long the last lines get when the copy ends.
constexpr base::Nanoseconds last_lines_limit = std::chrono::seconds(1);

}  // namespace

StdoutCopy::StdoutCopy(int fd) : writer_(fd, queue_limit) {}

StdoutCopy::~StdoutCopy() {
  writer_.stop(last_lines_limit);
}

void StdoutCopy::append_line(const ServiceLog& log, std::int64_t time, std::string_view text) {
  base::append_log_time(block_, base::WallTime(std::chrono::milliseconds(time)));
  block_.append(" [").append(log.name()).append("] ").append(text) += '\n';
}

void StdoutCopy::log_grew(ServiceLog& log) {
  const RingBuffer& buffer = log.buffer();
  State& state = states_.try_emplace(&log, State{buffer.first_number()}).first->second;
  if (state.next_line < buffer.first_number()) {
    state.next_line = buffer.first_number();
    state.mark_pending = true;
  }
  block_.clear();
  for (; state.next_line < buffer.next_number(); ++state.next_line) {
    const Line line = buffer.line(state.next_line);
    if (line.open) break;
    if (state.mark_pending) append_line(log, line.time, truncation_mark);
    state.mark_pending = false;
    append_line(log, line.time, buffer.bytes(line.begin, line.size(), scratch_));
  }
  if (!block_.empty() && !writer_.write(block_)) state.mark_pending = true;
}

void StdoutCopy::log_removed(ServiceLog& log) {
  states_.erase(&log);
}

}  // namespace cobble::logs
