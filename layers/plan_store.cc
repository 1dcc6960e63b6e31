#include "layers/plan_store.h"

#include <algorithm>
#include <utility>

#include "layers/combine.h"
#include "layers/command.h"
#include "layers/emit.h"
#include "layers/quote.h"

namespace cobble::layers {

namespace {

constexpr std::string_view arguments_label = "pebble-service-args";

std::string_view stem(std::string_view label) {
  return label.substr(0, label.find('/'));
}

}  // namespace

PlanStore::PlanStore(const Accounts& accounts) : accounts_(accounts), plan_(std::make_shared<Plan>()) {}

std::expected<void, std::string> PlanStore::replace(std::vector<LayerPtr> layers) {
  auto combined = combine(layers, accounts_);
  if (!combined) return std::unexpected(std::move(combined.error()));
  if (loaded_ && combined->workloads != plan_->workloads) return std::unexpected("cannot change immutable section \"workloads\"");
  layers_ = std::move(layers);
  const PlanPtr before = std::exchange(plan_, std::make_shared<const Plan>(std::move(*combined)));
  yaml_made_ = false;
  for (const auto& callback : callbacks_) callback(before, plan_);
  return {};
}

std::expected<void, std::string> PlanStore::load(std::vector<LayerPtr> layers) {
  auto done = replace(std::move(layers));
  loaded_ = done.has_value();
  return done;
}

std::expected<void, AddError> PlanStore::add(Layer layer, bool combine, bool inner) {
  auto layers = layers_;
  const auto known = std::ranges::find(layers, layer.label, [](const LayerPtr& one) -> const std::string& { return one->label; });
  if (known != layers.end()) {
    if (!combine)
      return std::unexpected(AddError{AddError::Kind::already_exists, "layer " + quote(layer.label) + " already exists"});
    auto merged = merge_layers(**known, layer);
    if (!merged) return std::unexpected(AddError{AddError::Kind::invalid, std::move(merged.error())});
    *known = std::make_shared<const Layer>(std::move(*merged));
  } else {
    // Behind the last layer of the same stem, else at the end.
    const auto same_stem = [&](const LayerPtr& one) { return stem(one->label) == stem(layer.label); };
    const auto last = std::find_if(layers.rbegin(), layers.rend(), same_stem);
    auto place = last == layers.rend() ? layers.end() : last.base();
    if (place != layers.end() && !inner) {
      return std::unexpected(
          AddError{AddError::Kind::needs_inner, "cannot insert sub-directory layer without 'inner' attribute set"});
    }
    layers.insert(place, std::make_shared<const Layer>(std::move(layer)));
  }
  if (auto done = replace(std::move(layers)); !done)
    return std::unexpected(AddError{AddError::Kind::invalid, std::move(done.error())});
  return {};
}

std::expected<void, std::string> PlanStore::set_arguments(const std::vector<std::vector<std::string>>& lists) {
  Layer layer;
  layer.label = arguments_label;
  for (const auto& list : lists) {
    if (list.empty()) return std::unexpected("--args requires a service name");
    const std::string& name = list.front();
    if (layer.services.contains(name)) return std::unexpected("--args provided more than once for " + quote(name) + " service");
    const auto found = plan_->services.find(name);
    if (found == plan_->services.end()) return std::unexpected("service " + quote(name) + " not found in plan");
    const auto command = parse_service_command(found->second.command);
    if (!command) return std::unexpected("cannot parse service " + quote(name) + " command: " + command.error());
    Service service;
    service.name = name;
    service.override_policy = Override::merge;
    service.command = command_with_arguments(*command, std::span(list).subspan(1));
    layer.services.emplace(name, std::move(service));
  }
  if (layer.services.empty()) return {};
  auto layers = layers_;
  layers.push_back(std::make_shared<const Layer>(std::move(layer)));
  return replace(std::move(layers));
}

const std::string& PlanStore::yaml() const {
  if (!yaml_made_) {
    yaml_ = to_yaml(*plan_);
    yaml_made_ = true;
  }
  return yaml_;
}

}  // namespace cobble::layers
