#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "layers/plan.h"

/// Which services a start or stop takes along, and in which order (contract 01, section 3.5).
namespace cobble::layers {

/// Groups of services: one after another inside of a lane, lanes beside each other.
using Lanes = std::vector<std::vector<std::string>>;

/// The named services and all they require, in start order. Services linked by `requires` share a lane; each lane's number is its
/// own. The error is `service "nope" does not exist`, for the first unknown name.
std::expected<Lanes, std::string> start_lanes(const Plan& plan, std::span<const std::string> names);

/// The named services and all that require them, in stop order.
std::expected<Lanes, std::string> stop_lanes(const Plan& plan, std::span<const std::string> names);

/// Just the named services, in the order in which they would be stopped together with all that require them (restart).
std::expected<Lanes, std::string> stop_lanes_of_only(const Plan& plan, std::span<const std::string> names);

/// The members of the first loop of before/after in byte order of names, sorted; none when there is no loop.
std::optional<std::vector<std::string>> find_order_loop(const Plan& plan);

}  // namespace cobble::layers
