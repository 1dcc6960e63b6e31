#include "daemon/state/state_writer.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <optional>
#include <thread>

#include "daemon/base/error.h"
#include "daemon/base/fd.h"

namespace cobble::state {

namespace {

constexpr std::size_t buffer_size = 64 * 1024;

std::unexpected<std::string> failed(std::string_view action, const std::string& path) {
  return std::unexpected(std::string(action) + " " + path + ": " + base::errno_text(errno));
}

std::string random_digits() {
  std::uint32_t number = 0;
  if (::getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number) {
    number = static_cast<std::uint32_t>(base::wall_now().time_since_epoch().count());
  }
  return std::to_string(number);
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

/// Many small pieces go out in few large writes.
bool write_pieces(int fd, const Pieces& pieces) {
  std::string buffer;
  buffer.reserve(buffer_size);
  for (const Piece& piece : pieces) {
    if (buffer.size() + piece->size() > buffer_size && !buffer.empty()) {
      if (!write_all(fd, buffer)) return false;
      buffer.clear();
    }
    if (piece->size() > buffer_size) {
      if (!write_all(fd, *piece)) return false;
    } else {
      buffer += *piece;
    }
  }
  return write_all(fd, buffer);
}

std::expected<void, std::string> write_temporary(const std::string& path, const Pieces& pieces, bool sync) {
  base::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return failed("open", path);
  if (::fchmod(fd.get(), 0600) != 0) return failed("chmod", path);
  if (!write_pieces(fd.get(), pieces)) return failed("write", path);
  if (sync && ::fsync(fd.get()) != 0) return failed("sync", path);
  if (::close(fd.release()) != 0) return failed("close", path);
  return {};
}

std::expected<void, std::string> write_and_rename(const std::string& path, const Pieces& pieces, bool sync) {
  const std::string temporary = path + "." + random_digits() + "~";
  std::expected<void, std::string> result = write_temporary(temporary, pieces, sync);
  if (result && ::rename(temporary.c_str(), path.c_str()) != 0) result = failed("rename", temporary);
  if (!result) ::unlink(temporary.c_str());
  return result;
}

}  // namespace

std::expected<void, std::string> place_file(const std::string& path, const Pieces& pieces) {
  return write_and_rename(path, pieces, false);
}

std::expected<void, std::string> replace_small_file(const std::string& path, std::string_view text) {
  if (!text.empty()) return place_file(path, {make_piece(std::string(text))});
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failed("remove", path);
  return {};
}

std::expected<void, std::string> replace_file(const std::string& path, const Pieces& pieces) {
  if (auto renamed = write_and_rename(path, pieces, true); !renamed) return renamed;
  const std::string directory = path.substr(0, path.rfind('/') + 1);
  const base::UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return failed("open", directory);
  // Some filesystems have nothing to sync for a directory and say so.
  if (::fsync(fd.get()) != 0 && errno != EINVAL && errno != EROFS) return failed("sync", directory);
  return {};
}

struct StateWriter::Shared {
  struct Job {
    Pieces pieces;
    std::optional<std::string> small;
    Done done;

    std::expected<void, std::string> run(const Shared& shared) const {
      if (small) {
        if (auto written = replace_small_file(shared.small_path, *small); !written) return written;
      }
      return replace_file(shared.path, pieces);
    }
  };
  std::string path;
  std::string small_path;
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Job> job;  ///< waiting or being done
  bool stopping = false;
  std::thread thread;
};

StateWriter::StateWriter(std::string path, std::string small_path) : path_(std::move(path)), small_path_(std::move(small_path)) {}

StateWriter::~StateWriter() {
  stop();
}

void StateWriter::run(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  while (true) {
    shared->changed.wait(lock, [&] { return shared->job || shared->stopping; });
    if (!shared->job) return;
    Shared::Job job = *shared->job;
    lock.unlock();
    const auto result = job.run(*shared);
    lock.lock();
    // Done before the word of it goes out: the next writing may come at once.
    shared->job.reset();
    shared->changed.notify_all();
    lock.unlock();
    job.done(result);
    job = {};
    lock.lock();
  }
}

void StateWriter::write(Pieces pieces, std::optional<std::string> small, Done done) {
  if (!shared_) {
    shared_ = std::make_shared<Shared>();
    shared_->path = path_;
    shared_->small_path = small_path_;
    // Signals are the loop's; one that a write itself raises (SIGXFSZ) becomes an error of the write.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      shared_->thread = std::thread([shared = shared_] { run(shared); });
    } catch (const std::system_error& error) {
      shared_.reset();
      ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
      done(std::unexpected("cannot start thread: " + base::errno_text(error.code().value())));
      return;
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  const std::lock_guard lock(shared_->mutex);
  shared_->job.emplace(Shared::Job{std::move(pieces), std::move(small), std::move(done)});
  shared_->changed.notify_all();
}

bool StateWriter::wait_idle(base::Nanoseconds limit) {
  if (!shared_) return true;
  std::unique_lock lock(shared_->mutex);
  return shared_->changed.wait_for(lock, limit, [&] { return !shared_->job; });
}

void StateWriter::stop() {
  if (!shared_) return;
  bool idle = false;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
    idle = !shared_->job;
    shared_->changed.notify_all();
  }
  if (idle) {
    shared_->thread.join();
  } else {
    shared_->thread.detach();
  }
  shared_.reset();
}

}  // namespace cobble::state
