#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Commands of services and exec checks (contract 01, sections 3.6 and 3.7): split like a shell would, without being one.
namespace cobble::layers {

/// Splits a command line into words. The error is the DETAIL of the contract's table, such as `EOF found when expecting closing
/// quote`.
std::expected<std::vector<std::string>, std::string> split_command(std::string_view text);

/// A service's command: fixed words, and the default arguments of its `[ … ]` group.
struct ServiceCommand {
  std::vector<std::string> fixed;
  std::vector<std::string> defaults;

  /// What is run: the fixed words, then the default ones.
  std::vector<std::string> words() const;
};

/// Splits a service's command and takes its group apart. A blank command gives no words at all. The error is the DETAIL.
std::expected<ServiceCommand, std::string> parse_service_command(std::string_view text);

/// Words as a command line that splits into them again, with as few quotes as possible.
std::string join_command(std::span<const std::string> words);

/// The command with its default arguments replaced (`pebble run --args`): `fixed [ arguments ]`, or just `fixed`.
std::string command_with_arguments(const ServiceCommand& command, std::span<const std::string> arguments);

}  // namespace cobble::layers
