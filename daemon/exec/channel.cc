#include "daemon/exec/channel.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace cobble::exec {

namespace {

constexpr base::Nanoseconds linger_limit = std::chrono::minutes(1);

}  // namespace

Channel::Channel(base::IoContext& loop, std::unique_ptr<base::Stream> stream, std::string early, std::size_t buffer_size)
    : loop_(loop),
      stream_(std::move(stream)),
      early_(std::move(early)),
      buffer_size_(buffer_size),
      turn_(loop),
      linger_timer_(loop) {}

void Channel::close() {
  closed_ = true;
  stream_->close();
}

base::Task<bool> Channel::send(Opcode opcode, std::string_view payload) {
  while (sending_) co_await turn_.wait();
  if (goodbye_ || closed_) co_return false;
  sending_ = true;
  base::ErrorCode error;
  const FrameHead head(opcode, payload.size());
  if (opcode == Opcode::close) goodbye_ = true;
  co_await stream_->write(head.bytes(), payload, error);
  sending_ = false;
  turn_.notify_all();
  co_return !error;
}

base::Task<Channel::Received> Channel::receive() {
  using Event = FrameDecoder::Event;
  using Kind = Received::Kind;
  if (!decoder_) decoder_ = std::make_unique<FrameDecoder>(buffer_size_);
  while (!closed_ && !lost_) {
    switch (decoder_->next()) {
      case Event::data:
        co_return Received{Kind::data, decoder_->payload(), decoder_->is_text(), decoder_->message_ends()};
      case Event::ping:
        co_await send(Opcode::pong, decoder_->payload());
        break;
      case Event::pong:
        break;
      case Event::close:
      case Event::violation:
        co_await send(Opcode::close, decoder_->payload());
        co_return Received{Kind::closed, {}, false, false};
      case Event::need_bytes: {
        const std::span<char> space = decoder_->space();
        std::size_t count = std::min(early_.size(), space.size());
        base::ErrorCode error;
        if (count > 0) {
          std::memcpy(space.data(), early_.data(), count);
          early_.erase(0, count);
        } else {
          count = co_await stream_->read_some(space, error);
        }
        if (error) {
          lost_ = true;
          co_return Received{};
        }
        decoder_->took(count);
        break;
      }
    }
  }
  co_return Received{};
}

void Channel::linger(bool drain) {
  if (closed_) return;
  linger_timer_.start(linger_limit, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->close();
  });
  if (drain) base::spawn(loop_, "exec channel", drain_all(shared_from_this()));
}

base::Task<void> Channel::drain_all(std::shared_ptr<Channel> self) {
  while ((co_await self->receive()).kind == Received::Kind::data) {
  }
  self->close();
}

}  // namespace cobble::exec
