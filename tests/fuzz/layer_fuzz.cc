#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "layers/accounts.h"
#include "layers/combine.h"
#include "layers/command.h"
#include "layers/emit.h"
#include "layers/order.h"
#include "layers/parse.h"

using namespace cobble::layers;

namespace {

/// The plan that one layer's text makes; nothing when it is refused.
std::shared_ptr<const Plan> plan_of(std::string_view text) {
  const NoAccounts nobody;
  auto parsed = parse_layer("fuzz", text, nobody);
  if (!parsed) return nullptr;
  const std::shared_ptr<const Layer> layers[] = {std::make_shared<const Layer>(std::move(parsed->layer))};
  auto plan = combine(layers, nobody);
  return plan ? std::make_shared<const Plan>(std::move(*plan)) : nullptr;
}

/// Everything that a daemon works out from a plan.
void use(const Plan& plan) {
  for (const auto& [name, service] : plan.services) {
    const std::string names[] = {name};
    const auto start = start_lanes(plan, names);
    const auto stop = stop_lanes(plan, names);
    if (!start || !stop) std::abort();
    const auto command = parse_service_command(service.command);
    if (!command) std::abort();  // refused when the layer was read
    if (split_command(join_command(command->fixed)) != command->fixed) std::abort();
  }
}

}  // namespace

/// Whatever a layer says: no crash, and an accepted plan's YAML is read as the same plan, which is written the same again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto plan = plan_of(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!plan) return 0;
  use(*plan);
  const std::string text = to_yaml(*plan);
  const auto again = plan_of(text);
  if (!again || to_yaml(*again) != text || again->services.size() != plan->services.size()) std::abort();
  return 0;
}
