#pragma once

#include <map>
#include <set>
#include <string>

#include "client/api/types.h"

namespace cobble::client {

/// What is shown of a change while a command waits (contract 10, section 2.11). Makes the text for stdout; pure. Beyond the
/// contract, on a terminal: how long it takes, from two seconds on; a line for each task that has ended, where there are several;
/// and what failed tasks have logged, such as the last output of a service.
class ProgressDisplay {
 public:
  /// `on_terminal`: a line that is redrawn, `columns` wide. Otherwise only new log entries are shown.
  ProgressDisplay(bool on_terminal, std::size_t columns) : on_terminal_(on_terminal), columns_(columns) {}

  /// The text for one look at the change; `seconds` since waiting began.
  std::string look(const Change& change, double seconds);
  /// The text for the last look at a change, which has ended.
  std::string end(const Change& change, double seconds);
  /// The text for a message in place of a task.
  std::string message(const std::string& text);
  /// The text that clears the line.
  std::string finish() const;

 private:
  std::string log_entry(const Task& task);
  std::string ended_tasks(const Change& change, double seconds);
  std::string spin(const std::string& label, double seconds);
  std::string bar(const Task& task, double seconds);

  bool on_terminal_;
  std::size_t columns_;
  std::size_t turns_ = 0;
  bool bar_begun_ = false;
  std::map<std::string, std::string> last_entry_;  ///< by task ID
  std::map<std::string, double> began_;            ///< when tasks were first seen at work
  std::set<std::string> told_;                     ///< the tasks whose end was told
};

}  // namespace cobble::client
