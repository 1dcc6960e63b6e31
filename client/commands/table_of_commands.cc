#include "client/commands/table_of_commands.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace cobble::client {
namespace {

constexpr const Command* commands[] = {
    &run_command,
    &help_command,
    &version_command,
    &add_command,
    &plan_command,
    &replan_command,
    &services_command,
    &logs_command,
    &start_command,
    &restart_command,
    &signal_command,
    &stop_command,
    &checks_command,
    &check_command,
    &start_checks_command,
    &stop_checks_command,
    &health_command,
    &push_command,
    &pull_command,
    &ls_command,
    &mkdir_command,
    &rm_command,
    &exec_command,
    &changes_command,
    &tasks_command,
    &warnings_command,
    &okay_command,
    &notices_command,
    &notice_command,
    &notify_command,
    &identities_command,
    &identity_command,
    &add_identities_command,
    &update_identities_command,
    &remove_identities_command,
    &top_command,
    &validate_command,
    &install_command,
    &pair_command,
    &completion_command,
    &autostart_command,
    &enter_command,
    &debug_command,
};

/// How many letters must be added, taken away or exchanged to make one word of the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t exchanged = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, exchanged});
    }
  }
  return row[b.size()];
}

}  // namespace

std::span<const Command* const> all_commands() {
  return commands;
}

const Command* find_command(std::string_view name) {
  const auto found = std::ranges::find(commands, name, &Command::name);
  return found == std::end(commands) ? nullptr : *found;
}

std::string_view nearest_command(std::string_view name) {
  if (name.size() < 3 || name.size() > 30) return {};
  std::size_t best = 3;
  std::string_view nearest;
  for (const Command* command : commands) {
    const std::size_t far = command->hidden ? best : distance(name, command->name);
    if (far < best && 2 * far < std::min(name.size(), command->name.size())) {
      best = far;
      nearest = command->name;
    }
  }
  return nearest;
}

}  // namespace cobble::client
