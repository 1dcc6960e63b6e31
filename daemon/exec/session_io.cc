#include <signal.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "daemon/base/json.h"
#include "daemon/base/log.h"
#include "daemon/exec/session.h"
#include "daemon/process/terminal.h"
#include "layers/quote.h"

// What flows between an exec's channels and its process.
namespace cobble::exec {

namespace {

namespace asio = boost::asio;

/// Commands are tiny; what is longer is no command.
constexpr std::size_t max_text = 64 * 1024;
constexpr std::size_t first_output_buffer = 16 * 1024;
constexpr std::size_t output_buffer = 128 * 1024;
/// After the exit a terminal has at most what its buffers held; who keeps writing is cut off.
constexpr std::size_t max_rest = 256 * 1024;
constexpr int rest_tries = 20;
constexpr base::Nanoseconds rest_pause = std::chrono::milliseconds(5);

/// Gathers the pieces of one message; true when it is complete.
bool gather(std::string& message, const Channel::Received& piece) {
  // One byte more than the limit shows that it was passed.
  message += piece.bytes.substr(0, max_text + 1 - std::min(message.size(), max_text + 1));
  return piece.message_ends;
}

}  // namespace

base::Task<void> Session::feed(std::shared_ptr<Session> self, std::shared_ptr<Channel> channel) {
  std::string text;
  bool client_there = true;
  while (true) {
    const Channel::Received got = co_await channel->receive();
    client_there = got.kind == Channel::Received::Kind::data;
    if (!client_there) break;
    if (!got.is_text) {
      co_await self->write_input(got.bytes);
    } else if (gather(text, got)) {
      if (self->is_end(text)) break;
      text.clear();
    }
  }
  self->feeding_ = false;
  co_await self->end_input();
  if (self->finished_) channel->linger(client_there);
}

base::Task<void> Session::write_input(std::string_view bytes) {
  if (!input_->is_open()) co_return;
  base::ErrorCode error;
  co_await asio::async_write(*input_, asio::buffer(bytes.data(), bytes.size()), asio::redirect_error(asio::use_awaitable, error));
  // Nobody reads it: what still comes is swallowed.
  base::ErrorCode ignored;
  if (error) input_->close(ignored);
}

base::Task<void> Session::end_input() {
  if (command_.interactive) co_return co_await write_input("\x04");
  base::ErrorCode ignored;
  input_->close(ignored);
}

bool Session::is_end(std::string_view text) const {
  if (text.size() > max_text) {
    base::log("Cannot decode I/O command: too long");
    return false;
  }
  const auto value = nlohmann::json::parse(text, nullptr, false);
  if (value.is_discarded() || !value.is_object()) {
    base::log("Cannot decode I/O command: not a JSON object");
    return false;
  }
  std::string command;
  base::JsonFields fields(value);
  fields.read("command", command);
  if (fields.error()) {
    base::log("Cannot decode I/O command: " + *fields.error());
  } else if (command != "end") {
    base::log("Invalid I/O command " + layers::quote(command));
  }
  return !fields.error() && command == "end";
}

base::Task<void> Session::pump(std::shared_ptr<Session> self, Output& output) {
  std::vector<char> buffer(first_output_buffer);
  base::ErrorCode ignored;
  output.source.non_blocking(true, ignored);
  bool heard = true;
  while (heard) {
    const std::size_t count = co_await self->read_output(output, buffer);
    if (count == 0) break;
    heard = co_await output.channel->send(Opcode::binary, std::string_view(buffer.data(), count));
    if (count == buffer.size() && count < output_buffer) buffer.resize(output_buffer);
  }
  output.source.close(ignored);
  // A terminal hangs up only when we hold no other end of it.
  if (!heard && output.is_terminal && self->command_.interactive) self->input_->close(ignored);
  if (heard) co_await output.channel->send(Opcode::text, end_message);
  output.done = true;
  self->wake();
}

/// Some bytes of output; 0 at its end.
base::Task<std::size_t> Session::read_output(Output& output, std::span<char> buffer) {
  if (output.is_terminal && exited_) co_return co_await read_rest(output, buffer);
  base::ErrorCode error;
  // What is there is taken at once; others get their turn of the loop while the client gets it.
  std::size_t count = output.source.read_some(asio::buffer(buffer.data(), buffer.size()), error);
  if (error == asio::error::would_block)
    count = co_await output.source.async_read_some(asio::buffer(buffer.data(), buffer.size()),
                                                   asio::redirect_error(asio::use_awaitable, error));
  if (error == asio::error::operation_aborted && output.is_terminal && exited_) co_return co_await read_rest(output, buffer);
  co_return error ? 0 : count;
}

/// What a terminal still has after the exit. When others hold it, there is no end of file: its buffers are empty when nothing
/// comes for a while.
base::Task<std::size_t> Session::read_rest(Output& output, std::span<char> buffer) {
  for (int tries = 0; tries < rest_tries && rest_ < max_rest && output.source.is_open(); ++tries) {
    const ssize_t count = ::read(output.source.native_handle(), buffer.data(), buffer.size());
    if (count > 0) {
      rest_ += static_cast<std::size_t>(count);
      co_return static_cast<std::size_t>(count);
    }
    if (count == 0 || (errno != EAGAIN && errno != EINTR)) break;
    if (!co_await base::sleep_for(rest_pause)) break;
  }
  co_return 0;
}

base::Task<void> Session::obey(std::shared_ptr<Session> self, std::shared_ptr<Channel> channel) {
  std::string message;
  while (true) {
    const Channel::Received got = co_await channel->receive();
    // A client that vanished leaves no command behind; one that says goodbye does.
    if (got.kind == Channel::Received::Kind::lost && self->child_ && !self->exited_) self->child_->signal_all(SIGKILL);
    if (got.kind != Channel::Received::Kind::data) co_return;
    if (!gather(message, got)) continue;
    self->do_command(message);
    message.clear();
  }
}

void Session::do_command(std::string_view text) {
  if (text.size() > max_text) return log("cannot decode control websocket command: too long");
  const auto value = base::parse_json(text);
  if (!value) return log("cannot decode control websocket command: " + value.error());
  std::string command;
  std::string signal;
  std::int64_t width = 0;
  std::int64_t height = 0;
  base::JsonFields fields(*value);
  fields.read("command", command);
  std::optional<std::string> error = fields.error();
  const nlohmann::json* signal_value = error ? nullptr : fields.find("signal");
  const nlohmann::json* size_value = error ? nullptr : fields.find("resize");
  if (signal_value != nullptr) {
    base::JsonFields inner(*signal_value);
    inner.read("name", signal);
    error = inner.error();
  }
  if (size_value != nullptr && !error) {
    base::JsonFields inner(*size_value);
    inner.read("width", width);
    inner.read("height", height);
    error = inner.error();
  }
  if (error) return log("cannot decode control websocket command: " + *error);
  if (command == "signal") {
    if (signal_value == nullptr) return log("control command \"signal\" requires signal name");
    send_signal(signal);
  } else if (command == "resize" && command_.terminal) {
    if (size_value == nullptr) return log("control command \"resize\" requires terminal width and height");
    resize(width, height);
  } else {
    log("invalid control websocket command " + layers::quote(command));
  }
}

void Session::send_signal(const std::string& name) {
  const int number = process::signal_number(name, false);
  if (number == 0) return log("invalid signal name " + layers::quote(name));
  if (!child_) return;
  const std::string pid = std::to_string(child_->pid());
  errno = ESRCH;
  if (child_->signal(number)) return log("forwarded signal " + name + " to PID " + pid);
  log("control command \"signal\" cannot forward " + name + " to PID " + pid + ": " + base::errno_text(errno));
}

void Session::resize(std::int64_t width, std::int64_t height) {
  for (Output& output : outputs_) {
    if (!output.is_terminal || !output.source.is_open()) continue;
    if (!process::resize_terminal(output.source.native_handle(), static_cast<std::uint16_t>(width & 0xFFFF),
                                  static_cast<std::uint16_t>(height & 0xFFFF)))
      log("control command \"resize\" cannot set terminal size: " + base::errno_text(errno));
  }
}

}  // namespace cobble::exec
