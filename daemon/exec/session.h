#pragma once

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/loop.h"
#include "daemon/base/stream.h"
#include "daemon/exec/channel.h"
#include "daemon/exec/request.h"
#include "daemon/process/child.h"
#include "daemon/state/engine.h"

namespace cobble::exec {

/// The message that ends a direction of a channel.
inline constexpr std::string_view end_message = "{\"command\":\"end\"}";

/// One exec: its channels, its process, and what goes between them (contract 05, section 3). The order at the end: the process
/// has exited; control is closed; the rest of the output and `end` are sent; the task is done. Nothing is held in memory but one
/// buffer a direction: who doesn't read makes the other side wait. On the loop's thread only; its coroutines keep it alive.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(base::IoContext& loop, process::Reaper& reaper, Command command);

  const Command& command() const { return command_; }
  /// As it is known to the state; set once, before anything else happens.
  void set_task_id(std::string id) { task_id_ = std::move(id); }

  /// Whether it has a channel of this name.
  bool has(std::string_view name) const { return slots_.find(name) != slots_.end(); }
  /// Reserves a channel for one client; false when another has it.
  bool claim(std::string_view name);
  /// Gives it free again, since the handshake failed; harmless after `attach`.
  void unclaim(std::string_view name);
  /// The client is there. `still_allowed` tells whether it still has the rights that it came with.
  void attach(std::string_view name, std::unique_ptr<base::Stream> stream, std::string early,
              std::function<bool()> still_allowed);
  /// Whether the task is done; nobody can connect any more.
  bool finished() const { return finished_; }

  /// The task's work.
  base::Task<state::TaskResult> run(state::TaskRun& run);
  /// Sends a signal to what runs.
  void signal(int number);
  /// The daemon ends: what runs is killed and nothing is waited for long.
  void stop();
  /// Rights have changed: when a client has lost its own, all channels are cut and what runs is killed.
  void check_clients();

 private:
  using Descriptor = boost::asio::posix::stream_descriptor;

  struct Slot {
    bool claimed = false;
    std::shared_ptr<Channel> channel;
    std::function<bool()> still_allowed;
  };
  /// One of the process's outputs on its way to a channel.
  struct Output {
    Descriptor source;
    std::shared_ptr<Channel> channel;
    bool is_terminal = false;
    bool done = false;
  };

  bool connected() const;
  bool outputs_done() const;
  void wake();
  base::Task<void> pause(state::TaskRun& run, base::SteadyTime deadline);
  base::Task<bool> wait_changed(base::SteadyTime deadline);

  std::expected<void, std::string> start();
  std::expected<void, std::string> open_files(process::SpawnRequest& request);
  std::expected<int, std::string> add_pipe_output(std::string_view channel);
  void add_output(base::UniqueFd source, std::string_view channel, bool is_terminal);
  base::Task<void> say_end_everywhere();

  base::Task<bool> supervise(state::TaskRun& run);
  void process_ended();
  base::Task<void> abandon_outputs(state::TaskRun& run);
  void drop_channels();
  void let_channels_linger();

  static base::Task<void> watch_child(std::shared_ptr<Session> self);
  static base::Task<void> feed(std::shared_ptr<Session> self, std::shared_ptr<Channel> channel);
  base::Task<void> write_input(std::string_view bytes);
  base::Task<void> end_input();
  bool is_end(std::string_view text) const;

  static base::Task<void> pump(std::shared_ptr<Session> self, Output& output);
  base::Task<std::size_t> read_output(Output& output, std::span<char> buffer);
  base::Task<std::size_t> read_rest(Output& output, std::span<char> buffer);

  static base::Task<void> obey(std::shared_ptr<Session> self, std::shared_ptr<Channel> channel);
  void do_command(std::string_view text);
  void send_signal(const std::string& name);
  void resize(std::int64_t width, std::int64_t height);
  void log(const std::string& text) const;

  base::IoContext& loop_;
  process::Reaper& reaper_;
  Command command_;
  std::string task_id_;
  std::map<std::string, Slot, std::less<>> slots_;
  base::Event changed_;
  bool dirty_ = false;  ///< something changed since the last pause

  std::unique_ptr<process::Child> child_;
  std::optional<process::ExitStatus> exited_;
  std::vector<base::UniqueFd> held_;  ///< the process's ends, so that its outputs end only after its exit
  std::optional<Descriptor> input_;
  std::list<Output> outputs_;
  std::size_t rest_ = 0;  ///< bytes that still came from a terminal after the exit
  bool feeding_ = false;
  bool ending_ = false;   ///< the daemon ends
  bool revoked_ = false;  ///< a client has lost its rights
  bool finished_ = false;
};

}  // namespace cobble::exec
