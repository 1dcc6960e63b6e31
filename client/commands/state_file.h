#pragma once

#include <map>
#include <string>

#include "client/api/error.h"
#include "client/api/time.h"

namespace cobble::client {

/// What the client remembers of one server: when lists were shown, and up to when they were okayed.
struct SeenTimes {
  Time notices_last_listed = Time::zero();
  Time notices_last_okayed = Time::zero();
  Time warnings_last_listed = Time::zero();
  Time warnings_last_okayed = Time::zero();
};

/// The client's state file, `cli.json` (contract 10, section 2.12): one entry a socket path. Writing replaces the file as a
/// whole, under a lock, so that clients at work at the same time neither lose entries nor see half a file.
class StateFile {
 public:
  /// The file in `$XDG_CONFIG_HOME`, or below `$HOME`.
  StateFile();
  explicit StateFile(std::string path) : path_(std::move(path)) {}

  /// The entry of a socket; zero times if there is none. `cannot load CLI state: …`.
  Result<SeenTimes> load(const std::string& socket) const;
  /// Keeps the entries of other sockets. A file that cannot be understood is replaced. `cannot save CLI state: …`.
  Result<void> save(const std::string& socket, const SeenTimes& times) const;

 private:
  using Entries = std::map<std::string, SeenTimes>;
  Result<Entries> read() const;

  std::string path_;
};

}  // namespace cobble::client
