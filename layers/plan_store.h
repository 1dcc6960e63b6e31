#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "layers/accounts.h"
#include "layers/plan.h"

namespace cobble::layers {

using LayerPtr = std::shared_ptr<const Layer>;

/// Why a layer was not added.
struct AddError {
  enum class Kind {
    already_exists,  ///< `layer "x" already exists`
    needs_inner,     ///< would go between layers, and `inner` isn't set
    invalid          ///< the combined plan would be wrong
  };
  Kind kind = Kind::invalid;
  std::string message;
};

/// The ordered layers and the plan that they combine to. The plan is an immutable snapshot that is swapped whole: a failed add
/// changes nothing (contract 01, sections 3.2 and 3.3).
class PlanStore {
 public:
  /// `accounts` tells users and groups; it must outlive the store.
  explicit PlanStore(const Accounts& accounts);

  /// Takes the layers of the directory, lowest first; once, at start. The error is a combining or whole-plan error.
  std::expected<void, std::string> load(std::vector<LayerPtr> layers);
  /// Adds a layer, or combines it into the one of the same label. `combine` false with a known label is an error.
  std::expected<void, AddError> add(Layer layer, bool combine, bool inner);
  /// Puts `pebble run --args` on top as the layer `pebble-service-args` (section 3.7). Each list is a service and its arguments.
  /// The error is the text after `cannot run daemon: `.
  std::expected<void, std::string> set_arguments(const std::vector<std::vector<std::string>>& lists);

  const PlanPtr& plan() const { return plan_; }
  const std::vector<LayerPtr>& layers() const { return layers_; }
  /// The plan as YAML (section 3.4), made once for each snapshot.
  const std::string& yaml() const;
  /// Called after each successful change with the plan before and the one now.
  void on_change(std::function<void(const PlanPtr& before, const PlanPtr& now)> callback) {
    callbacks_.push_back(std::move(callback));
  }

 private:
  std::expected<void, std::string> replace(std::vector<LayerPtr> layers);

  const Accounts& accounts_;
  std::vector<LayerPtr> layers_;
  PlanPtr plan_;
  bool loaded_ = false;
  mutable std::string yaml_;
  mutable bool yaml_made_ = false;
  std::vector<std::function<void(const PlanPtr&, const PlanPtr&)>> callbacks_;
};

}  // namespace cobble::layers
