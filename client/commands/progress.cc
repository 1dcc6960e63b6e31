#include "client/commands/progress.h"

#include <algorithm>
#include <cstdio>

#include "client/commands/amounts.h"
#include "client/commands/table.h"

namespace cobble::client {
namespace {

const std::string clear_line = "\r\x1b[0m\x1b[K";

/// A span in whole seconds: `7s`, `1m02s`.
std::string elapsed(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds);
  return whole < 60 ? std::to_string(whole) + "s" : show_short_duration(std::chrono::seconds(whole));
}

/// A log entry broken at white space into lines of at most `width`.
std::string broken(const std::string& entry, std::size_t width) {
  std::string text;
  std::string line;
  std::size_t begin = 0;
  while (begin <= entry.size()) {
    const std::size_t end = std::min(entry.find_first_of(" \n", begin), entry.size());
    std::string word = entry.substr(begin, end - begin);
    if (!line.empty() && width_of(line) + 1 + width_of(word) > width) {
      text += line + "\n";
      line.clear();
    }
    while (width_of(word) > width) {
      const std::string piece = first_of(word, width);
      text += piece + "\n";
      word.erase(0, piece.size());
    }
    line += (line.empty() ? "" : " ") + word;
    if (end < entry.size() && entry[end] == '\n') {
      text += line + "\n";
      line.clear();
    }
    begin = end + 1;
  }
  return text + line + "\n";
}

}  // namespace

std::string ProgressDisplay::look(const Change& change, double seconds) {
  std::string text = on_terminal_ ? ended_tasks(change, seconds) : std::string();
  const auto task = std::ranges::find(change.tasks, "Doing", &Task::status);
  if (task == change.tasks.end()) return text;
  for (const Task& each : change.tasks)
    if (each.status == "Doing") began_.emplace(each.id, seconds);
  if (on_terminal_) text += task->progress.total == 1 ? spin(task->summary, seconds) : bar(*task, seconds);
  return text + log_entry(*task);
}

std::string ProgressDisplay::end(const Change& change, double seconds) {
  if (!on_terminal_) return {};
  std::string text = began_.empty() ? std::string() : ended_tasks(change, seconds);
  for (const Task& task : change.tasks) {
    if (task.status != "Error") continue;
    const auto shown = std::ranges::find(task.log, last_entry_[task.id]);
    for (auto entry = shown == task.log.end() ? task.log.begin() : shown + 1; entry != task.log.end(); ++entry)
      text += clear_line + broken(*entry, columns_);
  }
  return text;
}

std::string ProgressDisplay::ended_tasks(const Change& change, double seconds) {
  std::string text;
  if (change.tasks.size() < 2) return text;
  for (const Task& task : change.tasks) {
    if (!task.ready_time || !told_.insert(task.id).second) continue;
    std::string line = padded(task.status, 5) + " " + task.summary;
    if (const auto began = began_.find(task.id); began != began_.end()) line += ", " + elapsed(seconds - began->second);
    text += clear_line + (width_of(line) > columns_ ? fitted(line, columns_) : line) + "\n";
  }
  return text;
}

std::string ProgressDisplay::log_entry(const Task& task) {
  if (task.log.empty() || last_entry_[task.id] == task.log.back()) return {};
  last_entry_[task.id] = task.log.back();
  return on_terminal_ ? clear_line + broken(task.log.back(), columns_) : task.log.back() + "\n";
}

std::string ProgressDisplay::spin(const std::string& label, double seconds) {
  static constexpr char turns[] = {'/', '-', '\\', '|'};
  const std::string time = seconds >= 2 && columns_ >= 20 ? " " + elapsed(seconds) : "";
  const std::size_t others = 2 + width_of(time);
  if (columns_ < 3) return "\r" + fitted(label, columns_);
  if (width_of(label) > columns_ - others) return "\r" + fitted(label, columns_ - width_of(time)) + time;
  return "\r" + padded(label, columns_ - others) + time + " " + turns[turns_++ % 4];
}

std::string ProgressDisplay::bar(const Task& task, double seconds) {
  if (!bar_begun_) {
    bar_begun_ = true;
    return "\x1b[?25l";
  }
  const auto total = static_cast<double>(task.progress.total);
  const double done = std::clamp(static_cast<double>(task.progress.done), 0.0, std::max(total, 0.0));
  std::string numbers;
  char percent[16];
  std::snprintf(percent, sizeof percent, " %3.0f%%", total > 0 ? 100 * done / total : 0.0);
  const double rate = seconds > 0 ? done / seconds : 0;
  if (columns_ > 20) numbers += percent;
  if (columns_ > 29) numbers += " " + right_aligned(show_rate(rate), 8);
  if (columns_ > 15) {
    const auto left =
        rate > 0 ? Nanoseconds(static_cast<std::int64_t>(std::min((total - done) / rate, 1e9) * 1e9)) : Nanoseconds(0);
    numbers += " " + right_aligned(rate > 0 ? show_short_duration(left) : "", 5);
  }
  const std::string line = fitted(task.summary, columns_ - std::min(columns_, width_of(numbers))) + numbers;
  const auto filled = total > 0 ? static_cast<std::size_t>(static_cast<double>(columns_) * done / total) : 0;
  const std::string first = first_of(line, filled);
  return "\r\x1b[7m" + first + "\x1b[0m" + line.substr(first.size());
}

std::string ProgressDisplay::message(const std::string& text) {
  return on_terminal_ ? spin(text, 0) : std::string();
}

std::string ProgressDisplay::finish() const {
  return on_terminal_ ? "\r\x1b[0m\x1b[?25h\x1b[K" : "";
}

}  // namespace cobble::client
