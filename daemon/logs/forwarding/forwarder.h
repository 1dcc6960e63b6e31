#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/logs/forwarding/target.h"
#include "daemon/net/http_client.h"

namespace cobble::logs::forwarding {

/// The log targets of the plan (contract 07, section 7). Plan changes never wait for a target.
class Forwarder {
 public:
  Forwarder(base::IoContext& loop, Manager& manager);
  ~Forwarder();
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;

  /// Follows a new plan: new targets begin, those that are gone end in the background, those with another type or location begin
  /// anew where they stood while the old one sends what it has; all others get their services and labels, and send what waits
  /// with other TLS files, headers or compression from then on.
  void plan_changed(const layers::Plan& plan);
  /// The targets of the plan, in byte order of their names.
  std::vector<TargetStatus> statuses() const;
  /// Sends what is left, to all at once, for `limit` at most.
  base::Task<void> stop(base::Nanoseconds limit);

 private:
  struct Running {
    layers::LogTarget definition;  ///< that the target's sender was made from
    std::shared_ptr<Target> target;
  };
  /// Counts the targets that send their last; outlives this if need be.
  struct Endings {
    explicit Endings(base::IoContext& loop) : all_ended(loop) {}
    int count = 0;
    base::Event all_ended;
  };
  void begin(const layers::Plan& plan, const layers::LogTarget& definition, Target* before);
  void change(Running& running, const layers::LogTarget& definition);
  void end(std::shared_ptr<Target> target, base::Nanoseconds limit);
  static base::Task<void> end_one(std::shared_ptr<Endings> endings, std::shared_ptr<Target> target, base::Nanoseconds limit);

  base::IoContext& loop_;
  Manager& manager_;
  std::shared_ptr<net::HttpClient> client_;
  std::shared_ptr<Endings> endings_;
  std::map<std::string, Running> targets_;
};

}  // namespace cobble::logs::forwarding
