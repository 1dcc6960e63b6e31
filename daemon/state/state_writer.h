#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/base/time.h"
#include "daemon/state/pieces.h"

namespace cobble::state {

/// Replaces the file at `path` by the pieces' bytes, so that at any time either the old or the new content is there, whole: a
/// temporary file `PATH.DIGITS~` beside it, fsync, rename, fsync of the directory. Mode 0600 whatever the umask. The error names
/// what failed: `open /x/.pebble.state.123~: no space left on device`.
std::expected<void, std::string> replace_file(const std::string& path, const Pieces& pieces);

/// The same without waiting for the disk: what is there survives the daemon, but maybe not the machine.
std::expected<void, std::string> place_file(const std::string& path, const Pieces& pieces);

/// Replaces the file at `path` by `text`, or removes it when that is empty. Not synced: it is for what counts only until the
/// machine restarts.
std::expected<void, std::string> replace_small_file(const std::string& path, std::string_view text);

/// A thread of its own that replaces the state file, begun with the first writing. One writing at a time.
class StateWriter {
 public:
  StateWriter(std::string path, std::string small_path);
  ~StateWriter();
  StateWriter(const StateWriter&) = delete;
  StateWriter& operator=(const StateWriter&) = delete;

  using Done = std::function<void(std::expected<void, std::string> result)>;
  /// Hands a writing to the thread, which must be idle; `done` is called there. `small`: the new text of the small file, written
  /// first.
  void write(Pieces pieces, std::optional<std::string> small, Done done);
  /// Waits until the thread is idle; false when it isn't within `limit`.
  bool wait_idle(base::Nanoseconds limit);
  /// Ends the thread when it is idle; a writing that hangs is left to itself.
  void stop();

 private:
  struct Shared;
  static void run(const std::shared_ptr<Shared>& shared);

  std::string path_;
  std::string small_path_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace cobble::state
