#pragma once

#include <span>
#include <string_view>

#include "client/commands/command.h"

namespace cobble::client {

/// All commands, in the order in which `help` shows them.
std::span<const Command* const> all_commands();
/// The command of exactly that name; null if there is none.
const Command* find_command(std::string_view name);
/// The name of a command that could have been meant; empty if none is near.
std::string_view nearest_command(std::string_view name);

extern const Command run_command, help_command, version_command;
extern const Command add_command, plan_command, replan_command, autostart_command;
extern const Command services_command, logs_command, start_command, restart_command, signal_command, stop_command;
extern const Command checks_command, check_command, start_checks_command, stop_checks_command, health_command;
extern const Command push_command, pull_command, ls_command, mkdir_command, rm_command, exec_command;
extern const Command changes_command, tasks_command;
extern const Command warnings_command, okay_command, notices_command, notice_command, notify_command;
extern const Command identities_command, identity_command, add_identities_command, update_identities_command,
    remove_identities_command;
extern const Command enter_command, debug_command, validate_command, pair_command, completion_command, install_command,
    top_command;

}  // namespace cobble::client
