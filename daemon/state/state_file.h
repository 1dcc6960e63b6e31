#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/fd.h"
#include "daemon/base/loop.h"
#include "daemon/state/state_document.h"
#include "daemon/state/state_writer.h"

namespace cobble::state {

struct StateOptions {
  std::string directory;                                     ///< `$PEBBLE`
  std::string socket_path;                                   ///< named when another daemon works on the directory
  bool persist = true;                                       ///< false (PEBBLE_PERSIST=never): nothing is read or written
  base::Nanoseconds retry_period = std::chrono::seconds(3);  ///< after a failed writing
};

/// The file `.pebble.state` (contract 03 section 6): holds the directory's lock, reads the file once, and writes it in groups
/// from a thread of its own. When it cannot be written, that is logged, tried again every 3 s, and the daemon goes on from
/// memory. On the loop's thread only.
class StateFile {
 public:
  /// What was read, for those who own it from now on.
  struct Loaded {
    Document document;
    std::vector<std::string> warnings;  ///< what the users of this daemon should know about the file
    std::string processes;              ///< what the small file says
    bool upgraded = false;              ///< the file was of an older format
    bool missing = false;               ///< there was no file
  };

  StateFile(base::IoContext& loop, StateOptions options, base::UniqueFd lock, Loaded loaded);
  ~StateFile();
  StateFile(const StateFile&) = delete;
  StateFile& operator=(const StateFile&) = delete;

  /// The records that were read; once.
  Loaded take_loaded() { return std::move(loaded_); }
  /// When this directory was first worked on.
  WallTime operation_start() const { return operation_start_; }

  /// One value of the file's `data` object as JSON text.
  std::optional<std::string> data(std::string_view key) const;
  /// Sets it; `durable` waits for it.
  void set_data(std::string_view key, std::string json);
  void remove_data(std::string_view key);

  /// What was noted of running processes, by an earlier daemon too; empty: nothing. It stands in a file of its own beside the
  /// state file,
  /// `.pebble.processes`, which is there only as long as there is something to say: other daemons that read the state file don't
  /// know it, and it means nothing once the machine has restarted.
  const std::string& processes() const { return processes_; }
  void set_processes(std::string text);

  /// Who makes the file's bytes when it is time to write; given the `data` object.
  void set_source(std::function<Pieces(const RecordData& data)> source) { source_ = std::move(source); }
  /// Called with a text for the users when writing begins to fail.
  void set_on_warning(std::function<void(std::string text)> on_warning) { on_warning_ = std::move(on_warning); }

  /// The first writing, when the source is set: as soon as the loop runs. Before it returns a file of an older format has been
  /// written anew, and where there was no file, there is one, so that whoever is served finds it.
  void begin();
  /// Something of the file has changed: its writing begins at once, but when there are many within 50 ms, with whatever else has
  /// changed by then.
  void changed();
  /// Waits until all that has changed up to now is on disk. At most 20 s; at once when nothing is persisted or writing fails
  /// anyway.
  base::Task<void> durable();
  /// Writes what is left, waiting at most `limit`, and ends the thread. Called at the end of the daemon.
  void stop(base::Nanoseconds limit);

 private:
  void request_flush();
  void flush_later();
  void flush();
  void written(std::uint64_t generation, const std::expected<void, std::string>& result);

  base::IoContext& loop_;
  StateOptions options_;
  base::UniqueFd lock_;
  Loaded loaded_;
  RecordData data_;
  std::string processes_;
  std::optional<std::string> new_processes_;  ///< not on disk yet
  WallTime operation_start_{};
  std::function<Pieces(const RecordData&)> source_;
  std::function<void(std::string)> on_warning_;
  std::string path_;
  StateWriter writer_;
  base::Timer timer_;
  base::Event progress_;            ///< a writing has ended, well or not
  std::uint64_t generation_ = 0;    ///< counts modifications
  std::uint64_t on_disk_ = 0;       ///< the last one that is on disk
  base::SteadyTime paced_until_{};  ///< where the writings so far would be if they had kept their distance
  bool upgraded_ = false;           ///< what was read was of an older format
  bool missing_ = false;            ///< there was nothing to read
  bool writing_ = false;
  bool flush_posted_ = false;
  bool failing_ = false;
  bool stopped_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// Locks the directory, which must be there, and reads the state file. A damaged file is kept beside it as
/// `.pebble.state.corrupt-TIME`, with a line in the log and a warning, and the daemon begins anew. The error is what follows
/// `cannot run daemon: ` (contract 03 section 6.4).
std::expected<std::unique_ptr<StateFile>, std::string> open_state(base::IoContext& loop, StateOptions options);
/// Reads the state file in a directory and leaves everything as it is; an empty document when there is none. The errors are the
/// same, and `cannot read state: …` for a damaged file.
std::expected<Document, std::string> peek_state(const std::string& directory);

}  // namespace cobble::state
