#include "daemon/files/multipart.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "daemon/base/text.h"

namespace cobble::files {

namespace {

/// A boundary may be followed by blanks; more than this are content.
constexpr std::size_t max_blanks = 1024;

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r") == std::string_view::npos;
}

/// What `text.find(what)` gives, by the C library's search, which leaps over most of the text.
std::size_t find_text(std::string_view text, std::string_view what) {
  const void* at = ::memmem(text.data(), text.size(), what.data(), what.size());
  return at == nullptr ? std::string_view::npos : static_cast<std::size_t>(static_cast<const char*>(at) - text.data());
}

bool is_field_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_field_value(std::string_view value) {
  return std::ranges::all_of(value, [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != '\x7f'); });
}

}  // namespace

MultipartParser::MultipartParser(std::string_view boundary)
    : dash_boundary_("--" + std::string(boundary)), delimiter_("\r\n" + dash_boundary_), buffer_(buffer_size) {}

std::span<char> MultipartParser::space() {
  if (used_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + used_, filled_ - used_);
    filled_ -= used_;
    used_ = 0;
  }
  return std::span(buffer_).subspan(filled_);
}

MultipartParser::Event MultipartParser::next() {
  switch (state_) {
    case State::preamble:
      return next_in_preamble();
    case State::headers:
      return next_in_headers();
    case State::body:
      return next_in_body();
    case State::end:
      return Event::end;
    case State::failed:
      break;
  }
  return Event::error;
}

MultipartParser::Event MultipartParser::fail(std::string text) {
  state_ = State::failed;
  error_ = std::move(text);
  return Event::error;
}

MultipartParser::Event MultipartParser::starved(std::string when_ended) {
  return input_ended_ ? fail(std::move(when_ended)) : Event::need_bytes;
}

MultipartParser::Event MultipartParser::give(std::size_t count) {
  content_ = pending().substr(0, count);
  used_ += count;
  body_begins_ = false;
  return Event::content;
}

/// The next line without its LF; at the end of the input what is left counts as one.
bool MultipartParser::take_line(std::string_view& line) {
  const std::size_t end = pending().find('\n');
  if (end == std::string_view::npos) {
    if (!input_ended_ || pending().empty()) return false;
    line = pending();
    used_ = filled_;
    return true;
  }
  line = pending().substr(0, end);
  used_ += end + 1;
  return true;
}

MultipartParser::Event MultipartParser::next_in_preamble() {
  std::string_view line;
  while (take_line(line)) {
    if (std::exchange(skipping_line_, false) || !line.starts_with(dash_boundary_)) continue;
    const std::string_view rest = line.substr(dash_boundary_.size());
    if (rest.starts_with("--") && is_blank(rest.substr(2))) {
      state_ = State::end;
      return Event::end;
    }
    if (!is_blank(rest)) continue;
    // The first boundary's line end is the one that counts for the others.
    if (!line.ends_with('\r')) delimiter_ = "\n" + dash_boundary_;
    state_ = State::headers;
    return next_in_headers();
  }
  if (pending().size() == buffer_.size()) {
    used_ = filled_;
    skipping_line_ = true;
  }
  return starved("multipart: NextPart: EOF");
}

MultipartParser::Event MultipartParser::next_in_headers() {
  std::string_view line;
  while (take_line(line)) {
    header_bytes_ += line.size() + 1;
    if (++header_lines_ > max_header_lines || header_bytes_ > max_header_bytes) return fail("multipart: message too large");
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) {
      if (!keep_header(line)) return fail("malformed MIME header line");
      continue;
    }
    header_lines_ = 0;
    header_bytes_ = 0;
    in_disposition_ = false;
    state_ = State::body;
    body_begins_ = true;
    return Event::part;
  }
  if (pending().size() == buffer_.size()) return fail("multipart: message too large");
  return starved("multipart: NextPart: EOF");
}

bool MultipartParser::keep_header(std::string_view line) {
  if (!is_field_value(line)) return false;
  if (line.front() == ' ' || line.front() == '\t') {
    if (header_lines_ == 1) return false;
    if (in_disposition_) disposition_.append(" ").append(base::trim(line));
    return disposition_.size() <= buffer_size;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_field_name(line.substr(0, colon))) return false;
  in_disposition_ = base::equal_ignoring_case(line.substr(0, colon), "Content-Disposition") && disposition_.empty();
  if (in_disposition_) disposition_ = base::trim(line.substr(colon + 1));
  return true;
}

/// Whether the pending bytes, which begin with a delimiter of this length, are really one: only blanks may follow up to the
/// line's end, or `--` and blanks. `line_length`: all of its bytes.
MultipartParser::Found MultipartParser::delimiter_at_front(std::size_t length, std::size_t& line_length) const {
  std::string_view rest = pending().substr(length);
  const bool dashes = rest.starts_with("--");
  if (!dashes && !input_ended_ && (rest.empty() || rest == "-")) return Found::undecided;
  if (dashes) rest.remove_prefix(2);
  const std::size_t end = rest.find('\n');
  if (!is_blank(rest.substr(0, end)) || std::min(end, rest.size()) > max_blanks) return Found::nothing;
  if (end == std::string_view::npos && !input_ended_) return Found::undecided;
  if (end == std::string_view::npos && !dashes) return Found::nothing;
  line_length = pending().size() - rest.size() + (end == std::string_view::npos ? rest.size() : end + 1);
  return dashes ? Found::closing_delimiter : Found::delimiter;
}

/// How many of these bytes can't belong to a delimiter that begins in them.
std::size_t MultipartParser::safe_length(std::string_view text) const {
  std::size_t at = text.size() - std::min(text.size(), delimiter_.size() - 1);
  while (at < text.size() && !delimiter_.starts_with(text.substr(at))) ++at;
  return at;
}

MultipartParser::Event MultipartParser::next_in_body() {
  const std::string_view bytes = pending();
  const bool at_start = body_begins_ && bytes.starts_with(dash_boundary_);
  if (body_begins_ && !at_start && !input_ended_ && dash_boundary_.starts_with(bytes)) return Event::need_bytes;
  const std::size_t found = at_start ? 0 : find_text(bytes, delimiter_);
  if (found == std::string_view::npos) {
    const std::size_t safe = safe_length(bytes);
    return safe > 0 ? give(safe) : starved("unexpected EOF");
  }
  if (found > 0) return give(found);
  const std::size_t length = at_start ? dash_boundary_.size() : delimiter_.size();
  std::size_t line_length = 0;
  switch (delimiter_at_front(length, line_length)) {
    case Found::undecided:
      return Event::need_bytes;
    case Found::nothing:
      return input_ended_ && bytes.size() == length ? fail("unexpected EOF") : give(length);
    case Found::delimiter:
      state_ = State::headers;
      disposition_.clear();
      break;
    case Found::closing_delimiter:
      state_ = State::end;
      break;
  }
  used_ += line_length;
  return Event::part_end;
}

}  // namespace cobble::files
