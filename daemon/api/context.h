#pragma once

#include <string>

#include "daemon/api/services_listing.h"
#include "daemon/base/loop.h"

namespace cobble::layers {
class PlanStore;
}
namespace cobble::state {
class Engine;
class NoticeBook;
}  // namespace cobble::state
namespace cobble::checks {
class Manager;
}
namespace cobble::logs {
class Manager;
}
namespace cobble::logs::forwarding {
class Forwarder;
}
namespace cobble::exec {
class Manager;
}
namespace cobble::access {
class Manager;
}

namespace cobble::api {

/// What handlers work on: the managers that daemon.h built. All on the loop's thread.
struct Context {
  base::IoContext& loop;
  layers::PlanStore& plan;
  state::Engine& engine;
  state::NoticeBook& notices;
  services::Manager& services;
  checks::Manager& checks;
  logs::Manager& logs;
  logs::forwarding::Forwarder& forwarder;
  exec::Manager& exec;
  access::Manager& access;
  std::string boot_id;
  std::string http_address;      ///< as given with --http; empty: not given
  std::string https_address;     ///< as given with --https; empty: not given
  std::string http_bound = {};   ///< where the HTTP listener is, with its real port
  std::string https_bound = {};  ///< where the HTTPS listener is
  std::string fingerprint = {};  ///< of the identity key; empty: no HTTPS listener
  ServicesListing services_listing = {};
};

}  // namespace cobble::api
