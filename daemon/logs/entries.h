#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/logs/ring_buffer.h"

/// From stored lines to what readers get (contract 07, section 2.4): one entry a line, a long line in pieces.
namespace cobble::logs {

/// Stored bytes of one piece, the prefix of a line counted in its first one.
inline constexpr std::size_t piece_limit = 4096;
/// A line of JSON, its line end included, that every client can read.
inline constexpr std::size_t json_line_limit = 5120;
/// What a reader gets for entries that were overwritten before it read them.
inline constexpr std::string_view truncation_mark = "(... output truncated ...)";

struct Entry {
  std::int64_t time = 0;     ///< milliseconds since 1970
  std::string_view message;  ///< until the reader's or the log's next step
};

/// Length of the piece that `text` (not empty) begins with: at most `limit` bytes, and at most `json_limit` bytes as a JSON
/// string, not cutting a UTF-8 character in two where that can be helped.
std::size_t piece_length(std::string_view text, std::size_t limit, std::size_t json_limit);

/// Makes the entries of one service's log, in order, from a position that it keeps. Text of a line that is still growing comes
/// only when asked for; the rest of it is then an entry of its own.
class Reader {
 public:
  /// Begins at the oldest line.
  Reader(const RingBuffer& buffer, std::string_view service);
  /// Goes behind everything that is there now.
  void skip_all(const RingBuffer& buffer);
  /// Goes to the beginning of a line that is there.
  void seek(const RingBuffer& buffer, std::uint64_t number);
  /// Number of entries that a line that is there gives.
  std::size_t pieces(const RingBuffer& buffer, std::uint64_t number);

  /// The next entry; none when all was read. `growing`: also what is there of a line without its end.
  std::optional<Entry> next(const RingBuffer& buffer, bool growing);
  /// Time and existence of the next entry, without reading it.
  std::optional<std::int64_t> next_time(const RingBuffer& buffer) const;
  /// Whether there is text of a growing line that `next` would give only when asked.
  bool has_growing(const RingBuffer& buffer) const;
  /// Number of the line that the next entry belongs to.
  std::uint64_t line_number() const { return number_; }
  /// Gives up what has been overwritten; the mark will stand for it.
  void skip_lost(const RingBuffer& buffer);
  /// Lines that were overwritten before they had been read, as far as `next` and `skip_lost` know.
  std::uint64_t lost() const { return lost_; }

 private:
  struct Place {
    Line line;
    std::uint64_t from;  ///< position of the first byte that wasn't read
  };
  /// Where the next entry comes from; none when all was read.
  std::optional<Place> place(const RingBuffer& buffer) const;
  /// The piece that begins there, in `scratch_` when it isn't in one piece.
  std::string_view piece(const RingBuffer& buffer, const Place& place);

  std::size_t first_limit_;  ///< message bytes of a line's first piece
  std::size_t json_limit_;   ///< bytes that a message may take as JSON
  std::uint64_t number_;     ///< the line to read next
  std::uint64_t position_;   ///< bytes before it have been read
  std::int64_t last_time_ = -1;
  std::uint64_t lost_ = 0;
  bool mark_due_ = false;  ///< something was lost since the last entry
  std::string scratch_;
};

}  // namespace cobble::logs
