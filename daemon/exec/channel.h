#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "daemon/base/loop.h"
#include "daemon/base/stream.h"
#include "daemon/exec/websocket.h"

namespace cobble::exec {

/// One websocket of an exec (contract 05, sections 2.3 and 2.4). Senders queue for their turn, one coroutine receives. Pings are
/// answered and close frames echoed while somebody receives. On the loop's thread only; kept alive by the coroutines that use it.
class Channel : public std::enable_shared_from_this<Channel> {
 public:
  struct Received {
    enum class Kind {
      data,    ///< a piece of a message
      closed,  ///< the client sent a close frame, or broke the protocol; that has been answered
      lost,    ///< the connection is gone, or its sending side is
    };
    Kind kind = Kind::lost;
    std::string_view bytes;  ///< until the next call
    bool is_text = false;
    bool message_ends = false;
  };

  /// `early`: bytes that came with the handshake's request. `buffer_size`: for what is received.
  Channel(base::IoContext& loop, std::unique_ptr<base::Stream> stream, std::string early, std::size_t buffer_size);

  base::Task<Received> receive();
  /// Sends one message as one frame; false when the client can't be reached or has said goodbye.
  base::Task<bool> send(Opcode opcode, std::string_view payload);
  /// Cuts the connection without a close frame.
  void close();
  /// There is nothing more to say. The client closes first, but within a minute. With `drain`, what it still sends until then is
  /// thrown away here; else somebody is receiving already.
  void linger(bool drain);

 private:
  static base::Task<void> drain_all(std::shared_ptr<Channel> self);

  base::IoContext& loop_;
  std::unique_ptr<base::Stream> stream_;
  std::string early_;
  std::size_t buffer_size_;
  std::unique_ptr<FrameDecoder> decoder_;  ///< made when somebody receives
  base::Event turn_;
  base::Timer linger_timer_;
  bool sending_ = false;
  bool goodbye_ = false;  ///< a close frame was sent: nothing may follow it
  bool lost_ = false;     ///< the client's side has ended; another read might wait for ever
  bool closed_ = false;
};

}  // namespace cobble::exec
