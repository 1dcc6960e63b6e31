#include "daemon/logs/entries.h"

#include <algorithm>
#include <array>
#include <utility>

#include "daemon/base/utf8.h"

namespace cobble::logs {

namespace {

/// Bytes of a JSON line around its message and its service's name: keys, quotes, the longest time, the line end.
constexpr std::size_t json_frame = 64;
constexpr std::size_t smallest_json_limit = 512;
/// The most that one byte becomes in a JSON string.
constexpr std::size_t json_growth = 6;

/// Bytes that an ASCII byte becomes in a JSON string; 0 for what is no ASCII.
constexpr auto json_sizes = [] {
  std::array<unsigned char, 256> sizes{};
  for (std::size_t c = 0; c < 0x80; ++c) sizes[c] = c < 0x20 ? 6 : 1;
  for (const char c : {'"', '\\', '\n', '\r', '\t', '\b', '\f'}) sizes[static_cast<unsigned char>(c)] = 2;
  return sizes;
}();

}  // namespace

std::size_t piece_length(std::string_view text, std::size_t limit, std::size_t json_limit) {
  if (text.size() <= limit && text.size() * json_growth <= json_limit) return text.size();
  std::size_t length = 0;
  std::size_t json = 0;
  while (length < text.size() && length < limit) {
    const auto c = static_cast<unsigned char>(text[length]);
    std::size_t step = 1;
    std::size_t cost = json_sizes[c];
    if (cost == 0) {
      const std::size_t valid = base::utf8_length(text.substr(length, 4));
      step = std::max<std::size_t>(valid, 1);
      cost = json_growth;
    }
    if (length > 0 && (length + step > limit || json + cost > json_limit)) break;
    length += step;
    json += cost;
  }
  return length;
}

Reader::Reader(const RingBuffer& buffer, std::string_view service)
    : first_limit_(piece_limit - std::min(piece_limit / 2, prefix_size + service.size())),
      json_limit_(std::max(smallest_json_limit, json_line_limit - std::min(json_line_limit, json_frame + service.size() * 2))),
      number_(0),
      position_(0) {
  seek(buffer, buffer.first_number());
}

void Reader::skip_all(const RingBuffer& buffer) {
  position_ = buffer.end_position();
  number_ = buffer.next_number();
  // A growing line's rest is still to come.
  if (!buffer.empty() && buffer.line(number_ - 1).open) --number_;
}

void Reader::seek(const RingBuffer& buffer, std::uint64_t number) {
  number_ = number;
  position_ = number < buffer.next_number() ? buffer.line(number).begin : buffer.end_position();
}

std::optional<Reader::Place> Reader::place(const RingBuffer& buffer) const {
  for (std::uint64_t number = std::max(number_, buffer.first_number()); number < buffer.next_number(); ++number) {
    const Line line = buffer.line(number);
    const std::uint64_t from = std::max(line.begin, position_);
    if (from < line.end) return Place{line, from};
    // An empty line is an entry; the bare end of a line that was read already is none.
    if (from == line.end && line.size() == 0 && !line.open && position_ <= line.begin) return Place{line, from};
  }
  return std::nullopt;
}

std::string_view Reader::piece(const RingBuffer& buffer, const Place& at) {
  const bool first = at.line.head && at.from == at.line.begin;
  const std::size_t limit = first ? first_limit_ : piece_limit;
  const std::size_t size = std::min(static_cast<std::size_t>(at.line.end - at.from), limit + 1);
  const std::string_view text = buffer.bytes(at.from, size, scratch_);
  return text.substr(0, piece_length(text, limit, json_limit_));
}

std::size_t Reader::pieces(const RingBuffer& buffer, std::uint64_t number) {
  const Line line = buffer.line(number);
  std::size_t count = 1;
  Place at{line, line.begin};
  if (line.size() > 0) {
    for (at.from += piece(buffer, at).size(); at.from < line.end; at.from += piece(buffer, at).size()) ++count;
  }
  return count;
}

void Reader::skip_lost(const RingBuffer& buffer) {
  const std::uint64_t oldest = buffer.first_number();
  // The beginning of a line longer than the whole buffer can be overwritten while it is read.
  const bool in_line = number_ == oldest && !buffer.empty() && position_ < buffer.line(oldest).begin;
  if (number_ >= oldest && !in_line) return;
  lost_ += in_line ? 1 : oldest - number_;
  mark_due_ = true;
  seek(buffer, oldest);
}

std::optional<Entry> Reader::next(const RingBuffer& buffer, bool growing) {
  skip_lost(buffer);
  if (std::exchange(mark_due_, false)) {
    const auto oldest = next_time(buffer);
    if (last_time_ >= 0 || oldest) return Entry{last_time_ >= 0 ? last_time_ : *oldest, truncation_mark};
  }
  const auto at = place(buffer);
  if (!at) return std::nullopt;
  const std::string_view message = piece(buffer, *at);
  const bool last = at->from + message.size() == at->line.end;
  // The last piece of a growing line may still become longer.
  if (last && at->line.open && !growing) return std::nullopt;
  position_ = at->from + message.size();
  number_ = at->line.number;
  if (last && !at->line.open) {
    ++number_;
    // Behind the line end, so that an empty line isn't read twice.
    position_ = std::max(position_, number_ < buffer.next_number() ? buffer.line(number_).begin : buffer.end_position());
  }
  last_time_ = at->line.time;
  return Entry{at->line.time, message};
}

std::optional<std::int64_t> Reader::next_time(const RingBuffer& buffer) const {
  const auto at = place(buffer);
  if (!at) return std::nullopt;
  return at->line.time;
}

bool Reader::has_growing(const RingBuffer& buffer) const {
  const auto at = place(buffer);
  return at && at->line.open;
}

}  // namespace cobble::logs
