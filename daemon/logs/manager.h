#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/loop.h"
#include "daemon/logs/service_log.h"

namespace cobble::logs {

class StdoutCopy;

/// The logs of all services and everybody who gets them (contract 07). All on the loop's thread.
class Manager {
 public:
  using Logs = std::map<std::string, std::shared_ptr<ServiceLog>, std::less<>>;

  explicit Manager(base::IoContext& loop);
  ~Manager();
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  /// The log of a service, made at its first start. The reference stays good until `forget`.
  ServiceLog& service(std::string_view name);
  /// The log of a service that was started at least once; null for any other.
  ServiceLog* find(std::string_view name);
  /// All logs, in byte order of their services' names.
  const Logs& all() const { return logs_; }
  /// Drops the log of a service; nobody may feed it any more.
  void forget(std::string_view name);

  /// Adds somebody who hears of all new output; `remove` before its end.
  void add(Subscriber& subscriber);
  void remove(Subscriber& subscriber);

  /// Somebody has room again: services that wait for nobody else go on.
  void check_holds();

  /// Copies service output to a descriptor from now on, whole lines only (`--verbose`); a reader that stalls costs lines of the
  /// copy and nothing else.
  void copy_to(int fd);
  /// Ends the copy, whose last lines get a second to be written. At the daemon's end, when all services have stopped.
  void end_copy();

 private:
  base::IoContext& loop_;
  std::vector<Subscriber*> subscribers_;
  Logs logs_;
  std::unique_ptr<StdoutCopy> copy_;
};

}  // namespace cobble::logs
