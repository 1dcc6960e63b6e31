#pragma once

#include <functional>

#include "client/api/client.h"

namespace cobble::client {

/// What a running command is connected to on this side.
struct ExecStreams {
  int in = 0;
  int out = 1;
  int err = 2;
  /// Readable when `on_signal` is to be called; -1: none.
  int signals = -1;
};

/// One command in the container whose websockets are connected (contract 05): carries bytes both ways until the output has
/// ended.
class ExecSession {
 public:
  /// Connects the websockets of a command that was accepted: control, stdio, and stderr if it is apart.
  static Result<ExecSession> connect(Client& client, const ExecStarted& started, bool split_stderr);

  void send_signal(const std::string& name);
  void send_size(int columns, int rows);

  /// Runs until all output has arrived, or the connections are lost. `on_signal` is called when the signals' descriptor is
  /// readable; false ends the session at once. The result says whether it came to its end.
  bool run(const ExecStreams& streams, const std::function<bool()>& on_signal);

 private:
  /// A websocket with what is on its way.
  struct Channel;
  struct ChannelDeleter {
    void operator()(Channel* channel) const;
  };
  using ChannelPtr = std::unique_ptr<Channel, ChannelDeleter>;

  static Result<ChannelPtr> open_channel(Client& client, const ExecStarted& started, const std::string& name);
  void control(const std::string& json);
  bool turn(const ExecStreams& streams, const std::function<bool()>& on_signal);
  void take_input(int fd);
  void take_frames(Channel& channel, int fd);

  ChannelPtr control_;
  ChannelPtr stdio_;
  ChannelPtr stderr_;
  bool input_ended_ = false;
};

}  // namespace cobble::client
