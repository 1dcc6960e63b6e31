// Identities from a request, a file and the state file: nothing crashes, and what is accepted is stored and read as the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/access/identities.h"
#include "layers/identities_file.h"

namespace {

using namespace cobble::access;

void check(const Identities& identities) {
  const auto again = parse_stored(stored_json(identities));
  if (!again || *again != identities) std::abort();
  for (const auto& [name, identity] : identities)
    if (!valid_name(name)) std::abort();
}

void change_by(const IdentityMap& request, IdentityAction action) {
  if (const auto changed = apply_action({}, action, request)) check(*changed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto request = parse_identity_request(text)) {
    if (const auto action = check_action(*request)) change_by(request->identities, *action);
  }
  if (const auto entries = cobble::layers::parse_identities_file(text)) {
    if (const auto identities = check_identities(*entries)) change_by(*identities, IdentityAction::replace);
  }
  if (const auto stored = parse_stored(text)) check(*stored);
  return 0;
}
