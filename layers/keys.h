#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "layers/plan.h"

/// The keys of a layer as data: what the manual page of the format is made of, and what tells which of them differ.
namespace cobble::layers {

/// One key: how it is called, what stands behind it, and what it is for.
struct Key {
  std::string_view name;
  std::string_view value;  ///< `text`, `duration`, `list of services` …
  std::string_view help;
};

/// The keys of one kind of mapping, such as a service.
struct KeyTable {
  std::string_view place;  ///< where it stands: `services: NAME:`; empty for the layer itself
  std::string_view help;
  std::vector<Key> keys;
};

/// Every key that parse_layer takes, made from the tables it reads by (contract 01, section 2.2); the layer's own come first.
std::vector<KeyTable> layer_keys();

/// The keys whose values differ between two services, in the order of the plan's output; keys that are not set differ from
/// those that are set to their default, as a replan sees it.
std::vector<std::string> changed_keys(const Service& before, const Service& now);

}  // namespace cobble::layers
