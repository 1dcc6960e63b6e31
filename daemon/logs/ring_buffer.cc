#include "daemon/logs/ring_buffer.h"

#include <algorithm>
#include <cstring>

namespace cobble::logs {

namespace {

constexpr std::size_t smallest_bytes = 1024;
constexpr std::size_t smallest_records = 16;
/// Of a line that would keep at least this much only the beginning goes.
constexpr std::size_t largest_kept_tail = 4096;
/// Bytes are taken in parts of this size, so that the lines of one part can't overwrite too much at once.
constexpr std::size_t part_size = 16 * 1024;

}  // namespace

RingBuffer::RingBuffer(std::size_t name_size, std::size_t limit)
    : line_cost_(prefix_size + name_size), limit_(limit), kept_tail_(std::min(largest_kept_tail, limit / 8)) {}

void RingBuffer::append(std::span<const char> bytes, std::int64_t time) {
  while (!bytes.empty()) {
    const std::size_t size = std::min({bytes.size(), part_size, limit_});
    append_part(bytes.first(size), time);
    bytes = bytes.subspan(size);
  }
}

void RingBuffer::append_part(std::span<const char> bytes, std::int64_t time) {
  make_room(bytes.size());
  std::uint64_t position = end_;
  copy_in(bytes);
  const char* at = bytes.data();
  const char* const stop = at + bytes.size();
  while (at != stop) {
    if (!open_) push(position, time);
    const auto* line_end = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(stop - at)));
    open_ = line_end == nullptr;
    const char* next = open_ ? stop : line_end + 1;
    position += static_cast<std::uint64_t>(next - at);
    at = next;
  }
  evict();
}

void RingBuffer::end_line() {
  open_ = false;
}

void RingBuffer::push(std::uint64_t begin, std::int64_t time) {
  if (count_ == records_.size()) {
    if (count_ * (line_cost_ + 1) >= limit_ && count_ > 0) {
      drop_first();
    } else {
      std::vector<Record> larger(std::max(records_.size() * 2, smallest_records));
      for (std::size_t i = 0; i < count_; ++i) larger[(first_ + i) & (larger.size() - 1)] = record(first_ + i);
      records_ = std::move(larger);
    }
  }
  record(first_ + count_) = {begin, time};
  ++count_;
}

void RingBuffer::drop_first() {
  ++first_;
  --count_;
  begin_ = count_ > 0 ? record(first_).begin : end_;
  head_ = true;
}

void RingBuffer::discard(std::size_t excess) {
  const std::uint64_t first_end = count_ > 1 ? record(first_ + 1).begin : end_;
  const bool growing = count_ == 1 && open_;
  if (!growing && first_end - begin_ < excess + kept_tail_) {
    drop_first();
    return;
  }
  begin_ += std::min<std::uint64_t>(excess, first_end - begin_);
  record(first_).begin = begin_;
  head_ = false;
}

void RingBuffer::evict() {
  while (count_ > 1 && stored() > limit_) discard(stored() - limit_);
  if (stored() > limit_) discard(stored() - limit_);
}

void RingBuffer::make_room(std::size_t size) {
  // Whatever would go once the new bytes count goes now, so that the ring of bytes never needs more than the limit.
  while (end_ - begin_ + size > limit_) discard(static_cast<std::size_t>(end_ - begin_ + size - limit_));
  const auto live = static_cast<std::size_t>(end_ - begin_);
  if (live + size <= bytes_.size()) return;
  const std::size_t wanted = std::min(std::max({live + size, bytes_.size() * 2, smallest_bytes}), limit_);
  std::vector<char> larger(wanted);
  for (std::uint64_t position = begin_; position < end_;) {
    const std::size_t from = position % bytes_.size();
    const std::size_t to = position % wanted;
    const std::size_t run = std::min({static_cast<std::size_t>(end_ - position), bytes_.size() - from, wanted - to});
    std::memcpy(larger.data() + to, bytes_.data() + from, run);
    position += run;
  }
  bytes_ = std::move(larger);
}

void RingBuffer::copy_in(std::span<const char> bytes) {
  const std::size_t to = end_ % bytes_.size();
  const std::size_t first = std::min(bytes.size(), bytes_.size() - to);
  std::memcpy(bytes_.data() + to, bytes.data(), first);
  std::memcpy(bytes_.data(), bytes.data() + first, bytes.size() - first);
  end_ += bytes.size();
}

Line RingBuffer::line(std::uint64_t number) const {
  const Record& found = record(number);
  const bool newest = number + 1 == next_number();
  Line line;
  line.number = number;
  line.begin = found.begin;
  line.end = newest ? end_ : record(number + 1).begin;
  line.time = found.time;
  line.open = newest && open_;
  line.head = number != first_ || head_;
  if (line.end > line.begin && bytes_[(line.end - 1) % bytes_.size()] == '\n') --line.end;
  return line;
}

bool RingBuffer::terminated(const Line& line) const {
  return line.end < end_ && bytes_[line.end % bytes_.size()] == '\n';
}

std::string_view RingBuffer::bytes(std::uint64_t position, std::size_t size, std::string& scratch) const {
  if (size == 0) return {};
  const std::size_t from = position % bytes_.size();
  const std::size_t first = std::min(size, bytes_.size() - from);
  if (first == size) return {bytes_.data() + from, size};
  scratch.assign(bytes_.data() + from, first);
  scratch.append(bytes_.data(), size - first);
  return scratch;
}

}  // namespace cobble::logs
