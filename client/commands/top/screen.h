#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/commands/terminal.h"
#include "client/commands/top/view.h"

/// The picture that `pebble top` shows. Pure: a view and a size in, lines out.
namespace cobble::client::top {

/// How a piece of a line looks.
enum class Style { plain, title, heading, good, bad, busy, faint };

struct Span {
  std::string text;
  Style style = Style::plain;
};

struct Line {
  std::vector<Span> spans;
  bool chosen = false;  ///< shown in reverse
};

/// Exactly `size.rows` lines of at most `size.columns` characters: title, services, checks, log, keys. Where there is no room
/// for all, checks give way first, then services down to three rows around the chosen one.
std::vector<Line> draw(const View& view, TerminalSize size);

/// How many lines of the log `draw` shows.
std::size_t log_rows(const View& view, TerminalSize size);

/// A line without its looks.
std::string plain_text(const Line& line);

/// The bytes that put the lines on a terminal's screen; `colour`: with colours besides bold and reverse.
std::string paint(const std::vector<Line>& lines, bool colour);

/// Text of others made harmless: control characters become `?`, tabs a blank, what is no UTF-8 U+FFFD.
std::string harmless(std::string_view text);

/// One snapshot as text: the same tables and log, in full.
std::string snapshot_text(const Model& model);

}  // namespace cobble::client::top
