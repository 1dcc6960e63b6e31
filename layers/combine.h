#pragma once

#include <expected>
#include <memory>
#include <span>
#include <string>

#include "layers/accounts.h"
#include "layers/plan.h"

/// Laying layers over each other (contract 01, sections 3.1 and 3.3) and what must hold for the result (section 2.3).
namespace cobble::layers {

/// Combines layers, lowest first, fills in defaults and checks the whole plan. The error is the reference's text.
std::expected<Plan, std::string> combine(std::span<const std::shared_ptr<const Layer>> layers, const Accounts& accounts);

/// One layer laid over another of the same label, without defaults: the result keeps the lower one's label and place.
std::expected<Layer, std::string> merge_layers(const Layer& lower, const Layer& upper);

/// Checks `user`, `user-id`, `group`, `group-id` against each other; the error is the REASON of contract 01 section 2.3.
std::expected<void, std::string> check_credentials(const Accounts& accounts, const std::string& user,
                                                   std::optional<std::int64_t> user_id, const std::string& group,
                                                   std::optional<std::int64_t> group_id);

}  // namespace cobble::layers
