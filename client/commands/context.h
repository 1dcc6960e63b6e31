#pragma once

#include <string>
#include <string_view>

#include "client/api/client.h"
#include "client/commands/command.h"
#include "client/commands/run_options.h"
#include "client/commands/state_file.h"
#include "client/commands/value.h"

namespace cobble::client {

/// What a command works with: the server, the two output streams, and what the client remembers.
class Context {
 public:
  Context(Endpoint endpoint, std::string pebble_dir, const DaemonEntry& daemon)
      : client_(std::move(endpoint)), pebble_dir_(std::move(pebble_dir)), daemon_(daemon) {}

  Client& client() { return client_; }
  const DaemonEntry& daemon() const { return daemon_; }
  const std::string& pebble_dir() const { return pebble_dir_; }
  const std::string& socket_path() const { return client_.endpoint().socket_path; }

  /// Writes to stdout at once. A failure is remembered for the end.
  void print(std::string_view text);
  /// Writes to stderr at once.
  void note(std::string_view text);
  /// Whether writing to stdout has failed, and why (errno).
  int write_error() const { return write_error_; }

  /// Prints a tree as `--format` says; false for the text format, which the command makes itself.
  bool print_formatted(const Arguments& arguments, const Value& value);

  /// What was seen of this server.
  Result<SeenTimes> seen() const { return state_.load(socket_path()); }
  Result<void> keep_seen(const SeenTimes& times) const { return state_.save(socket_path(), times); }

 private:
  Client client_;
  std::string pebble_dir_;
  const DaemonEntry& daemon_;
  StateFile state_;
  int write_error_ = 0;
};

}  // namespace cobble::client
