#include "client/commands/top/screen.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "client/commands/amounts.h"
#include "client/commands/table.h"
#include "layers/utf8.h"

namespace cobble::client::top {
namespace {

/// One column of the table of services.
struct Column {
  std::string_view head;
  std::size_t width;
  Order order;
  std::string (*cell)(const ServiceRow&, std::int64_t now);
};

std::string without_blanks(const std::string& text) {
  return text.substr(std::min(text.find_first_not_of(' '), text.size()));
}

std::string cpu_cell(const ServiceRow& row, std::int64_t) {
  if (!row.cpu_percent) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", *row.cpu_percent);
  return text;
}

std::string memory_cell(const ServiceRow& row, std::int64_t) {
  return row.info.details.memory_bytes ? show_size(*row.info.details.memory_bytes) : "-";
}

std::string restarts_cell(const ServiceRow& row, std::int64_t) {
  return row.info.details.restarts ? std::to_string(*row.info.details.restarts) : "-";
}

std::string cpu_time_cell(const ServiceRow& row) {
  const auto& spent = row.info.details.cpu_ms;
  if (!spent) return "-";
  return *spent == 0 ? "0s" : without_blanks(show_short_duration(std::chrono::milliseconds(*spent)));
}

std::string uptime_cell(const ServiceRow& row, std::int64_t now) {
  const auto up = uptime(row.info, now);
  if (!up) return "-";
  return *up < std::chrono::minutes(1) ? std::to_string(up->count() / 1'000'000'000) + "s"
                                       : without_blanks(show_short_duration(*up));
}

/// Behind name and status, in the order in which they give way from the right.
constexpr std::array columns{
    Column{"CPU%", 7, Order::cpu, cpu_cell},
    Column{"Memory", 8, Order::memory, memory_cell},
    Column{"Uptime", 8, Order::uptime, uptime_cell},
    Column{"Restarts", 9, Order::restarts, restarts_cell},
};
constexpr std::size_t status_width = 9;
constexpr std::size_t least_name = 8;
constexpr std::string_view keys_text =
    "q quit  \u2191\u2193 choose  Enter log of chosen/all  s sort  r reverse  PgUp/PgDn scroll";

Style style_of_status(std::string_view word) {
  if (word == "active" || word == "up") return Style::good;
  if (word == "error" || word == "down") return Style::bad;
  return word == "backoff" ? Style::busy : Style::faint;
}

/// How many rows each part gets.
struct Layout {
  std::size_t services = 0;  ///< without their heading
  std::size_t checks = 0;    ///< likewise; 0: not shown
  std::size_t log = 0;
};

Layout lay_out(const Model& model, std::size_t rows) {
  Layout layout;
  std::size_t left = rows > 3 ? rows - 3 : 0;  // title, heading of the services, keys
  const std::size_t services = std::max<std::size_t>(model.services.size(), 1);
  const std::size_t checks = model.checks.size();
  layout.services = std::min({services, left, std::max<std::size_t>(3, left / 2)});
  left -= layout.services;
  if (checks > 0 && left >= 4) {
    layout.checks = std::min(checks, std::max<std::size_t>(1, left / 3));
    left -= layout.checks + 1;
  }
  layout.log = left > 1 ? left - 1 : 0;
  return layout;
}

/// Where a window of `shown` rows begins so that the chosen one is in its middle, as far as there are rows.
std::size_t window_begin(std::size_t chosen, std::size_t count, std::size_t shown) {
  const std::size_t middle = chosen > shown / 2 ? chosen - shown / 2 : 0;
  return std::min(middle, count > shown ? count - shown : 0);
}

/// Cuts a line to the width of the screen.
void cut(Line& line, std::size_t width) {
  for (auto span = line.spans.begin(); span != line.spans.end(); ++span) {
    const std::size_t used = width_of(span->text);
    if (used > width) {
      span->text = fitted(span->text, width);
      line.spans.erase(span + 1, line.spans.end());
      return;
    }
    width -= used;
  }
}

class Picture {
 public:
  Picture(const View& view, TerminalSize size)
      : view_(view),
        model_(view.model()),
        width_(static_cast<std::size_t>(std::max(size.columns, 0))),
        rows_(static_cast<std::size_t>(std::max(size.rows, 0))),
        layout_(lay_out(view.model(), rows_)) {}

  std::vector<Line> lines() && {
    title();
    services();
    if (layout_.checks > 0) checks();
    log();
    lines_.resize(rows_ > 0 ? std::max<std::size_t>(rows_ - 1, 0) : 0);
    if (rows_ > 0) add({{std::string(keys_text), Style::faint}});
    for (Line& line : lines_) cut(line, width_);
    return std::move(lines_);
  }

 private:
  void add(std::vector<Span> spans, bool chosen = false) { lines_.push_back({std::move(spans), chosen}); }

  void title() {
    std::size_t active = 0, down = 0;
    for (const ServiceRow& row : model_.services) active += row.info.current == "active" ? 1 : 0;
    for (const CheckInfo& check : model_.checks) down += check.status == "down" ? 1 : 0;
    std::vector<Span> spans = {
        {"pebble top", Style::title},
        {"  " + std::to_string(active) + " of " + std::to_string(model_.services.size()) + " services active", Style::plain}};
    if (!model_.checks.empty()) {
      spans.push_back({", ", Style::plain});
      spans.push_back({std::to_string(down) + " of " + std::to_string(model_.checks.size()) + " checks down",
                       down > 0 ? Style::bad : Style::plain});
    }
    if (!model_.trouble.empty()) spans = {{"pebble top", Style::title}, {"  " + harmless(model_.trouble), Style::bad}};
    add(std::move(spans));
  }

  /// How many of the columns fit beside name and status.
  std::size_t column_count() const {
    std::size_t count = 0, used = 2 + least_name + status_width;
    while (count < columns.size() && used + columns[count].width <= width_) used += columns[count++].width;
    return count;
  }

  std::string marked(std::string_view head, Order order) const {
    const std::string_view mark = view_.order() != order ? "" : view_.reversed() ? "\u2191" : "\u2193";
    return std::string(head) + std::string(mark);
  }

  void services() {
    const std::size_t count = column_count();
    std::size_t others = 2 + status_width;
    for (std::size_t i = 0; i < count; ++i) others += columns[i].width;
    std::size_t longest = least_name;
    for (const ServiceRow& row : model_.services) longest = std::max(longest, width_of(row.info.name) + 2);
    const std::size_t name = std::min(longest, width_ > others ? width_ - others : 1);

    std::string head =
        "  " + fitted(marked("Service", Order::name), name) + fitted(marked("Status", Order::status), status_width);
    for (std::size_t i = 0; i < count; ++i) head += right_aligned(marked(columns[i].head, columns[i].order), columns[i].width);
    add({{head, Style::heading}});
    const auto& rows = model_.services;
    if (rows.empty() && layout_.services > 0) add({{"  The plan has no services.", Style::faint}});
    const std::size_t begin = window_begin(view_.chosen(), rows.size(), layout_.services);
    for (std::size_t i = begin; i < std::min(begin + layout_.services, rows.size()); ++i) {
      const ServiceRow& row = rows[i];
      const bool chosen = i == view_.chosen();
      std::string numbers;
      for (std::size_t c = 0; c < count; ++c) numbers += right_aligned(columns[c].cell(row, model_.now), columns[c].width);
      add({{(chosen ? "> " : "  ") + fitted(harmless(row.info.name), name - 1) + " ", Style::plain},
           {fitted(row.info.current, status_width), style_of_status(row.info.current)},
           {numbers, Style::plain}},
          chosen);
    }
  }

  void checks() {
    add({{"  " + padded("Check", 20) + padded("Status", status_width) + padded("Failures", 10) + "Last error", Style::heading}});
    std::vector<const CheckInfo*> all;
    for (const bool down : {true, false})
      for (const CheckInfo& check : model_.checks)
        if ((check.status == "down") == down) all.push_back(&check);
    for (std::size_t i = 0; i < layout_.checks; ++i) {
      const CheckInfo& check = *all[i];
      const bool rest_follows = i + 1 == layout_.checks && all.size() > layout_.checks;
      if (rest_follows) {
        add({{"  … and " + std::to_string(all.size() - i) + " more", Style::faint}});
        break;
      }
      const std::string failures = std::to_string(check.failures) + "/" + std::to_string(check.threshold);
      add({{"  " + fitted(harmless(check.name), 19) + " ", Style::plain},
           {fitted(check.status, status_width), style_of_status(check.status)},
           {padded(failures, 10) + harmless(check.last_error), Style::plain}});
    }
  }

  void log() {
    const std::size_t count = model_.log.size();
    const std::size_t back = std::min(view_.back(), count > layout_.log ? count - layout_.log : 0);
    std::string head = "  Log";
    if (!view_.log_of().empty()) head += " of " + harmless(view_.log_of());
    if (back > 0) head += ", " + std::to_string(back) + " newer below";
    add({{head, Style::heading}});
    const std::size_t end = count - back;
    for (std::size_t i = end > layout_.log ? end - layout_.log : 0; i < end; ++i) {
      const LogLine& line = model_.log[i];
      add({{"  " + format_time_seconds(line.time).substr(11, 8) + " ", Style::faint},
           {harmless(line.service) + " ", Style::title},
           {harmless(line.message), Style::plain}});
    }
  }

  const View& view_;
  const Model& model_;
  std::size_t width_;
  std::size_t rows_;
  Layout layout_;
  std::vector<Line> lines_;
};

std::string_view codes_of(Style style, bool colour) {
  switch (style) {
    case Style::plain:
      return "";
    case Style::title:
    case Style::heading:
      return "\x1b[1m";
    case Style::good:
      return colour ? "\x1b[32m" : "";
    case Style::bad:
      return colour ? "\x1b[1;31m" : "\x1b[1m";
    case Style::busy:
      return colour ? "\x1b[33m" : "";
    case Style::faint:
      return "\x1b[2m";
  }
  return "";
}

}  // namespace

std::vector<Line> draw(const View& view, TerminalSize size) {
  return Picture(view, size).lines();
}

std::size_t log_rows(const View& view, TerminalSize size) {
  return lay_out(view.model(), static_cast<std::size_t>(std::max(size.rows, 0))).log;
}

std::string plain_text(const Line& line) {
  std::string text;
  for (const Span& span : line.spans) text += span.text;
  return text;
}

std::string paint(const std::vector<Line>& lines, bool colour) {
  std::string bytes = "\x1b[H";
  for (const Line& line : lines) {
    if (&line != &lines.front()) bytes += "\r\n";
    for (const Span& span : line.spans) {
      bytes += "\x1b[0m";
      if (line.chosen) bytes += "\x1b[7m";
      bytes.append(codes_of(span.style, colour)).append(span.text);
    }
    bytes += "\x1b[0m\x1b[K";
  }
  return bytes + "\x1b[J";
}

std::string harmless(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::uint32_t c = 0;
    const std::size_t length = layers::decode_utf8(text, c);
    if (length == 0) {
      out += "\uFFFD";
    } else if (c == '\t') {
      out += ' ';
    } else if (c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x200E && c <= 0x200F) || (c >= 0x202A && c <= 0x202E)) {
      out += '?';
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::string snapshot_text(const Model& model) {
  std::string text;
  if (!model.services.empty()) {
    Table services;
    services.add({"Service", "Status", "CPU", "Memory", "Uptime", "Restarts"});
    for (const ServiceRow& row : model.services) {
      services.add({harmless(row.info.name), row.info.current, cpu_time_cell(row), memory_cell(row, model.now),
                    uptime_cell(row, model.now), restarts_cell(row, model.now)});
    }
    text += services.text();
  }
  if (!model.checks.empty()) {
    Table checks;
    checks.add({"Check", "Status", "Failures", "Last error"});
    for (const CheckInfo& check : model.checks) {
      checks.add({harmless(check.name), check.status, std::to_string(check.failures) + "/" + std::to_string(check.threshold),
                  check.last_error.empty() ? "-" : harmless(check.last_error)});
    }
    text += (text.empty() ? "" : "\n") + checks.text();
  }
  if (!model.log.empty() && !text.empty()) text += "\n";
  for (const LogLine& line : model.log)
    text += format_time_milliseconds(line.time) + " [" + harmless(line.service) + "] " + harmless(line.message) + "\n";
  return text;
}

}  // namespace cobble::client::top
