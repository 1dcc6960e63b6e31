#pragma once

#include "layers/accounts.h"

namespace cobble::process {

/// The users and groups of /etc/passwd and /etc/group, for the validation of layers. Any thread.
const layers::Accounts& system_accounts();

}  // namespace cobble::process
