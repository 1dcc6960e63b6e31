#include "daemon/base/blocking.h"

#include <signal.h>

#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <mutex>

namespace cobble::base {

namespace {

constexpr std::size_t pool_threads = 4;

struct Pool {
  std::mutex mutex;
  std::unique_ptr<boost::asio::thread_pool> threads;
  bool stopped = false;
};

Pool& pool() {
  static Pool the_pool;
  return the_pool;
}

}  // namespace

void post_to_pool(std::function<void()> work) {
  std::lock_guard lock(pool().mutex);
  if (pool().stopped) return;
  if (!pool().threads) {
    // Signals belong to the loop's thread.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    pool().threads = std::make_unique<boost::asio::thread_pool>(pool_threads);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  boost::asio::post(*pool().threads, std::move(work));
}

void stop_pool() {
  std::unique_ptr<boost::asio::thread_pool> threads;
  {
    std::lock_guard lock(pool().mutex);
    pool().stopped = true;
    threads = std::move(pool().threads);
  }
  if (!threads) return;
  threads->stop();
  threads->join();
}

}  // namespace cobble::base
