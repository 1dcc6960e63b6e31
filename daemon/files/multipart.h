#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cobble::files {

/// Takes a multipart body apart as it arrives (contract 04, section 2.6), in memory that doesn't grow: `buffer_size` bytes,
/// whatever the size of parts. Pure.
///
///     while (true) switch (parser.next()) {
///       case Event::need_bytes: read into parser.space(); parser.took(count), or parser.ended() at the end of the body; break;
///       case Event::part: … parser.disposition() …
///       case Event::content: … parser.content() …
class MultipartParser {
 public:
  enum class Event {
    need_bytes,  ///< nothing more can be said before `took` or `ended`
    part,        ///< a part begins; its headers are known
    content,     ///< some bytes of the part's body, in `content()` until the next call
    part_end,    ///< the part's body is complete
    end,         ///< the closing boundary was seen; what follows is ignored
    error,       ///< the body is malformed, too large or cut short; `error()` says how; nothing follows
  };

  /// Each line (boundary, header) must fit into this.
  static constexpr std::size_t buffer_size = 256 * 1024;
  static constexpr std::size_t max_header_lines = 10'000;
  static constexpr std::size_t max_header_bytes = 10 * 1024 * 1024;

  explicit MultipartParser(std::string_view boundary);

  Event next();

  /// Room for more bytes, never empty after `need_bytes`.
  std::span<char> space();
  /// `count` bytes were put into `space()`.
  void took(std::size_t count) { filled_ += count; }
  /// The body has no more bytes.
  void ended() { input_ended_ = true; }

  /// The current part's Content-Disposition as it stands in its header; empty when there was none.
  const std::string& disposition() const { return disposition_; }
  std::string_view content() const { return content_; }
  const std::string& error() const { return error_; }

 private:
  enum class State { preamble, headers, body, end, failed };
  enum class Found { nothing, undecided, delimiter, closing_delimiter };

  Event fail(std::string text);
  /// More bytes are needed; at the end of the input that is the error `when_ended`.
  Event starved(std::string when_ended);
  Event give(std::size_t count);
  std::string_view pending() const { return {buffer_.data() + used_, filled_ - used_}; }
  bool take_line(std::string_view& line);
  Event next_in_preamble();
  Event next_in_headers();
  Event next_in_body();
  bool keep_header(std::string_view line);
  Found delimiter_at_front(std::size_t length, std::size_t& line_length) const;
  std::size_t safe_length(std::string_view text) const;

  std::string dash_boundary_;  ///< `--B`
  std::string delimiter_;      ///< the line end in use, then `--B`
  std::vector<char> buffer_;
  std::size_t used_ = 0;
  std::size_t filled_ = 0;
  State state_ = State::preamble;
  bool input_ended_ = false;
  bool skipping_line_ = false;  ///< within a line of the preamble that is longer than the buffer
  bool body_begins_ = false;    ///< no byte of the part's body was given yet
  std::size_t header_lines_ = 0;
  std::size_t header_bytes_ = 0;
  bool in_disposition_ = false;  ///< a line that begins with a blank continues it
  std::string disposition_;
  std::string_view content_;
  std::string error_;
};

}  // namespace cobble::files
