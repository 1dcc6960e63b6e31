#include "daemon/base/fd_writer.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <deque>
#include <memory>
#include <system_error>

namespace cobble::base {

// Owned by the writer and by its thread, so that a write that never ends can be abandoned.
struct FdWriter::Shared {
  int fd;
  std::size_t limit;
  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable stop;
  std::condition_variable idle;
  std::deque<std::string> queue;
  std::size_t queued = 0;
  std::uint64_t position = 0;  ///< bytes queued since the beginning
  bool writing = false;
  bool waiting = false;  ///< for the next block
  bool stopping = false;
  bool started = false;
  bool ended = false;
};

namespace {

/// When many blocks come shortly after one another, they are gathered for a moment: waking a thread costs more than writing.
constexpr auto short_time = std::chrono::milliseconds(1);
constexpr int many_blocks = 20;

void write_all(int fd, std::string_view block) {
  while (!block.empty()) {
    const ssize_t count = ::write(fd, block.data(), block.size());
    if (count > 0) {
      block.remove_prefix(static_cast<std::size_t>(count));
    } else if (count < 0 && errno == EAGAIN) {
      // Somebody who shares the descriptor made it non-blocking.
      pollfd waiter{fd, POLLOUT, 0};
      ::poll(&waiter, 1, 1000);
    } else if (count < 0 && errno != EINTR) {
      return;  // closed or broken: nobody can be told
    }
  }
}

}  // namespace

FdWriter::FdWriter(int fd, std::size_t limit) : shared_(std::make_shared<Shared>()) {
  shared_->fd = fd;
  shared_->limit = limit;
}

FdWriter::~FdWriter() {
  stop(Nanoseconds(0));
}

bool FdWriter::write(std::string_view block) {
  std::unique_lock lock(shared_->mutex);
  if (shared_->stopping || shared_->queued + block.size() > shared_->limit) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  // Small blocks that wait together are written together.
  if (!shared_->queue.empty() && shared_->queue.back().size() + block.size() <= 16 * 1024) {
    shared_->queue.back() += block;
  } else {
    shared_->queue.emplace_back(block);
  }
  shared_->queued += block.size();
  shared_->position += block.size();
  if (!shared_->started) {
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      std::thread([shared = shared_] {
        std::unique_lock guard(shared->mutex);
        int in_a_row = 0;
        std::chrono::steady_clock::time_point last;
        while (true) {
          shared->waiting = true;
          shared->wake.wait(guard, [&] { return shared->stopping || !shared->queue.empty(); });
          shared->waiting = false;
          if (shared->queue.empty()) break;
          std::string block_now = std::move(shared->queue.front());
          shared->queue.pop_front();
          shared->writing = true;
          guard.unlock();
          write_all(shared->fd, block_now);
          guard.lock();
          shared->writing = false;
          shared->queued -= block_now.size();
          if (!shared->queue.empty()) continue;
          shared->idle.notify_all();
          const auto now = std::chrono::steady_clock::now();
          in_a_row = now - last < 2 * short_time ? in_a_row + 1 : 0;
          last = now;
          if (in_a_row >= many_blocks) shared->stop.wait_for(guard, short_time, [&] { return shared->stopping; });
        }
        shared->ended = true;
        shared->idle.notify_all();
      }).detach();  // it ends by itself; `stop` waits for it as long as it may
      shared_->started = true;
    } catch (const std::system_error&) {
      // No thread to be had: try again with the next block.
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  if (shared_->waiting) shared_->wake.notify_one();
  return true;
}

std::uint64_t FdWriter::position() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->position;
}

bool FdWriter::written(std::uint64_t position) const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->position - shared_->queued >= position;
}

void FdWriter::stop(Nanoseconds limit) {
  std::unique_lock lock(shared_->mutex);
  if (shared_->started) {
    shared_->idle.wait_for(lock, limit, [&] { return shared_->queue.empty() && !shared_->writing; });
  }
  shared_->stopping = true;
  shared_->wake.notify_all();
  shared_->stop.notify_all();
}

}  // namespace cobble::base
