#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cobble::logs {

/// Bytes that one service's log may take, a prefix for every line included (contract 07, section 2.3).
inline constexpr std::size_t buffer_limit = 102'400;

/// `TIMESTAMP [` and `] ` around a service's name: what each line counts beyond its own bytes.
inline constexpr std::size_t prefix_size = 28;

/// One line as it is kept. Positions count all bytes that were ever stored, so they never repeat.
struct Line {
  std::uint64_t number = 0;  ///< counts the lines ever stored
  std::uint64_t begin = 0;   ///< position of the first byte that is left
  std::uint64_t end = 0;     ///< position behind the last byte, the line end not counted
  std::int64_t time = 0;     ///< milliseconds since 1970, when the first byte came
  bool open = false;         ///< the newest line, and it may still grow
  bool head = true;          ///< its first byte is still there

  std::size_t size() const { return static_cast<std::size_t>(end - begin); }
};

/// The newest output of one service: lines with their times, never parsed again. Memory grows with use up to the limit. The
/// oldest whole lines go first; of a long line only the beginning goes as long as a few KiB are left. No I/O, no clock.
class RingBuffer {
 public:
  /// `name_size`: length of the service's name in bytes, which counts for every line.
  explicit RingBuffer(std::size_t name_size, std::size_t limit = buffer_limit);

  /// Stores bytes that came at `time` (milliseconds since 1970).
  void append(std::span<const char> bytes, std::int64_t time);
  /// Ends a line that has no line end yet: what comes next is a line of its own.
  void end_line();

  /// Number of the oldest line that is left; equal to `next_number` when there is none.
  std::uint64_t first_number() const { return first_; }
  /// Number that the next new line will have.
  std::uint64_t next_number() const { return first_ + count_; }
  bool empty() const { return count_ == 0; }
  /// A line by its number, `first_number() <= number < next_number()`.
  Line line(std::uint64_t number) const;
  /// Whether a line had its line end; false for one that was cut short by the end of the process.
  bool terminated(const Line& line) const;
  /// `size` bytes from a position; `scratch` is used when they aren't in one piece.
  std::string_view bytes(std::uint64_t position, std::size_t size, std::string& scratch) const;

  /// Bytes that count against the limit.
  std::size_t stored() const { return static_cast<std::size_t>(end_ - begin_) + count_ * line_cost_; }
  /// Position behind the newest byte.
  std::uint64_t end_position() const { return end_; }
  /// Lines that were overwritten so far.
  std::uint64_t overwritten() const { return first_; }

 private:
  struct Record {
    std::uint64_t begin;
    std::int64_t time;
  };

  void append_part(std::span<const char> bytes, std::int64_t time);
  void push(std::uint64_t begin, std::int64_t time);
  void drop_first();
  /// Frees at least some bytes, `excess` at most.
  void discard(std::size_t excess);
  void evict();
  void make_room(std::size_t size);
  void copy_in(std::span<const char> bytes);
  Record& record(std::uint64_t number) { return records_[number & (records_.size() - 1)]; }
  const Record& record(std::uint64_t number) const { return records_[number & (records_.size() - 1)]; }

  std::size_t line_cost_;
  std::size_t limit_;
  std::size_t kept_tail_;
  std::vector<char> bytes_;      ///< a ring; a position's place is its rest by the size
  std::vector<Record> records_;  ///< a ring; its size is a power of two
  std::uint64_t begin_ = 0;      ///< position of the oldest byte
  std::uint64_t end_ = 0;
  std::uint64_t first_ = 0;
  std::size_t count_ = 0;
  bool open_ = false;  ///< the newest line may grow
  bool head_ = true;   ///< the oldest line has its first byte
};

}  // namespace cobble::logs
