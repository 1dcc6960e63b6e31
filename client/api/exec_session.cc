#include "client/api/exec_session.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "client/api/websocket.h"

namespace cobble::client {
namespace {

constexpr std::size_t input_piece = 128 << 10;
constexpr std::string_view end_command = R"({"command":"end"})";

bool is_end(const std::string& text) {
  const auto value = nlohmann::json::parse(text, nullptr, false);
  return value.is_object() && value.contains("command") && value["command"] == "end";
}

}  // namespace

struct ExecSession::Channel {
  explicit Channel(std::pair<Connection, std::string> taken) : connection(std::move(taken.first)) { frames.add(taken.second); }

  void queue(FrameType type, std::string_view payload) {
    if (open) out += websocket_frame(type, payload);
  }

  /// Sends what the server takes now.
  void flush() {
    while (open && sent < out.size()) {
      const auto count = connection.send_some(std::string_view(out).substr(sent));
      if (!count) {
        sending = false;
        break;
      }
      if (!*count) return;
      sent += **count;
    }
    out.clear();
    sent = 0;
  }

  /// Takes what has come; the connection may be found closed.
  void receive() {
    buffer.resize(128 << 10);
    do {
      const auto count = connection.receive_some(buffer.data(), buffer.size());
      if (count && !*count) return;
      if (!count || **count == 0) {
        open = false;
        return;
      }
      frames.add(std::string_view(buffer).substr(0, **count));
    } while (connection.pending());
  }

  short events() const { return static_cast<short>(POLLIN | (sending && sent < out.size() ? POLLOUT : 0)); }

  Connection connection;
  FrameReader frames;
  std::string out;
  std::string buffer;
  std::size_t sent = 0;
  bool open = true;
  bool sending = true;
  bool ended = false;  ///< the server has said that no more output comes
  bool writable = true;
};

void ExecSession::ChannelDeleter::operator()(Channel* channel) const {
  delete channel;
}

Result<ExecSession::ChannelPtr> ExecSession::open_channel(Client& client, const ExecStarted& started, const std::string& name) {
  auto taken = client.exec_websocket(started.task_id, name);
  if (!taken) return std::unexpected(taken.error());
  return ChannelPtr(std::make_unique<Channel>(std::move(*taken)).release());
}

Result<ExecSession> ExecSession::connect(Client& client, const ExecStarted& started, bool split_stderr) {
  ExecSession session;
  auto control = open_channel(client, started, "control");
  if (!control) return std::unexpected(control.error());
  session.control_ = std::move(*control);
  auto stdio = open_channel(client, started, "stdio");
  if (!stdio) return std::unexpected(stdio.error());
  session.stdio_ = std::move(*stdio);
  if (!split_stderr) return session;
  auto err = open_channel(client, started, "stderr");
  if (!err) return std::unexpected(err.error());
  session.stderr_ = std::move(*err);
  return session;
}

void ExecSession::control(const std::string& json) {
  control_->queue(FrameType::text, json);
  control_->flush();
}

void ExecSession::send_signal(const std::string& name) {
  control(R"({"command":"signal","signal":{"name":")" + name + "\"}}");
}

void ExecSession::send_size(int columns, int rows) {
  control(R"({"command":"resize","resize":{"width":)" + std::to_string(columns) + R"(,"height":)" + std::to_string(rows) + "}}");
}

bool ExecSession::run(const ExecStreams& streams, const std::function<bool()>& on_signal) {
  take_frames(*stdio_, streams.out);
  if (stderr_) take_frames(*stderr_, streams.err);
  const auto over = [](const ChannelPtr& channel) { return !channel || channel->ended || !channel->open; };
  while (!over(stdio_) || !over(stderr_)) {
    if (!turn(streams, on_signal)) return false;
  }
  return true;
}

bool ExecSession::turn(const ExecStreams& streams, const std::function<bool()>& on_signal) {
  const bool wants_input = !input_ended_ && stdio_->open && stdio_->out.empty();
  const auto socket = [](const ChannelPtr& channel, bool wanted) {
    return wanted ? pollfd{channel->connection.fd(), channel->events(), 0} : pollfd{-1, 0, 0};
  };
  pollfd polled[] = {
      {streams.signals, POLLIN, 0},
      socket(control_, control_->open),
      socket(stdio_, stdio_->open && !stdio_->ended),
      socket(stderr_, stderr_ && stderr_->open && !stderr_->ended),
      {wants_input ? streams.in : -1, POLLIN, 0},
  };
  if (poll(polled, std::size(polled), -1) < 0) return errno == EINTR;
  if (polled[0].revents != 0 && !on_signal()) return false;
  if (polled[1].revents != 0) {
    control_->flush();
    if ((polled[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0) control_->receive();
  }
  if ((polled[2].revents & POLLOUT) != 0) stdio_->flush();
  if ((polled[2].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
    stdio_->receive();
    take_frames(*stdio_, streams.out);
  }
  if (polled[3].revents != 0) {
    stderr_->flush();
    stderr_->receive();
    take_frames(*stderr_, streams.err);
  }
  if (polled[4].revents != 0) take_input(streams.in);
  return true;
}

void ExecSession::take_input(int fd) {
  std::string piece(input_piece, '\0');
  const ssize_t count = read(fd, piece.data(), piece.size());
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (count > 0) {
    stdio_->queue(FrameType::binary, std::string_view(piece).substr(0, static_cast<std::size_t>(count)));
  } else {
    input_ended_ = true;
    stdio_->queue(FrameType::text, end_command);
  }
  stdio_->flush();
}

void ExecSession::take_frames(Channel& channel, int fd) {
  for (;;) {
    auto frame = channel.frames.next();
    if (!frame) {
      channel.open = false;
      return;
    }
    if (!*frame) return;
    switch ((*frame)->type) {
      case FrameType::text:
        if (is_end((*frame)->payload)) channel.ended = true;
        break;
      case FrameType::binary:
      case FrameType::continuation:
        if (channel.writable && !write_all(fd, (*frame)->payload)) channel.writable = false;
        break;
      case FrameType::ping:
        channel.queue(FrameType::pong, (*frame)->payload);
        channel.flush();
        break;
      case FrameType::close:
        channel.open = false;
        return;
      case FrameType::pong:
        break;
    }
  }
}

}  // namespace cobble::client
