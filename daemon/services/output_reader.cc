#include "daemon/services/output_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <span>

namespace cobble::services {

namespace {

/// One buffer for all readers: bytes don't stay in it.
std::array<char, 64 * 1024> buffer;

/// A read of at least this much is followed by another one in the same turn of the loop, up to so many.
constexpr std::size_t busy_size = 32 * 1024;
constexpr int most_reads = 4;

/// Reads at the end of a process: twice what a pipe holds by default, or a whole one that was made large.
constexpr int drain_reads = 16;

}  // namespace

struct OutputReader::State : std::enable_shared_from_this<State> {
  State(base::IoContext& loop, logs::ServiceLog& the_log) : descriptor(loop), log(the_log) {}

  boost::asio::posix::stream_descriptor descriptor;
  logs::ServiceLog& log;

  void wait() {
    descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](boost::system::error_code error) {
                            if (!error && self->descriptor.is_open()) self->step();
                          });
  }

  void step() {
    if (log.held_back()) {
      log.when_released([self = shared_from_this()] {
        if (self->descriptor.is_open()) self->step();
      });
      return;
    }
    for (int reads = 0; reads < most_reads; ++reads) {
      const auto before = log.buffer().end_position();
      if (!read_some() || !descriptor.is_open()) return;
      // Whoever filled less than half of the pipe since is not faster than we are.
      if (log.buffer().end_position() - before < busy_size || log.held_back()) break;
    }
    wait();
  }

  /// False at the end of the pipe. True, too, when there was nothing to read.
  bool read_some() {
    const ssize_t size = ::read(descriptor.native_handle(), buffer.data(), std::min(buffer.size(), log.read_limit()));
    if (size > 0) {
      log.append(std::span(buffer.data(), static_cast<std::size_t>(size)), base::wall_now());
      return true;
    }
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    close();
    return false;
  }

  void drain() {
    for (int i = 0; i < drain_reads && descriptor.is_open(); ++i) {
      const auto before = log.buffer().end_position();
      if (!read_some() || log.buffer().end_position() == before) return;
    }
  }

  void close() {
    if (!descriptor.is_open()) return;
    boost::system::error_code ignored;
    descriptor.close(ignored);
    log.end_output();
  }
};

OutputReader::OutputReader(base::IoContext& loop, base::UniqueFd read_end, logs::ServiceLog& log)
    : state_(std::make_shared<State>(loop, log)), limit_timer_(loop) {
  ::fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
  boost::system::error_code error;
  state_->descriptor.assign(read_end.get(), error);
  if (error) return;
  read_end.release();
  state_->wait();
}

OutputReader::~OutputReader() {
  boost::system::error_code ignored;
  state_->descriptor.close(ignored);
}

void OutputReader::drain() {
  state_->drain();
}

void OutputReader::close_after(base::Nanoseconds limit) {
  if (!ended()) limit_timer_.start(limit, [state = state_] { state->close(); });
}

bool OutputReader::ended() const {
  return !state_->descriptor.is_open();
}

}  // namespace cobble::services
