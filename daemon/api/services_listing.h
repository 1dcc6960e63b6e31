#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "daemon/process/usage.h"
#include "daemon/services/manager.h"

namespace cobble::api {

/// Services as the JSON array of `GET /v1/services` (contract 02, section 2.1); `usages`: what main processes use, by service.
std::string services_json(std::span<const services::ServiceInfo> infos, const std::map<std::string, process::Usage>& usages = {});

/// The listing that clients poll: its JSON is made anew only when something of it has changed. Long ones are not kept.
class ServicesListing {
 public:
  std::string of(std::vector<services::ServiceInfo> infos);

 private:
  std::vector<services::ServiceInfo> infos_;
  std::string json_;  ///< of `infos_`; empty: nothing is kept
};

}  // namespace cobble::api
