#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "daemon/base/error.h"
#include "daemon/base/log.h"
#include "daemon/state/state_file.h"
#include "layers/quote.h"

namespace cobble::state {

namespace {

constexpr std::string_view file_name = ".pebble.state";
constexpr std::string_view processes_name = ".pebble.processes";
/// A larger file isn't one of ours.
constexpr off_t largest_file = 1 << 30;

/// A daemon that was killed may leave a process between its birth and its program, which holds the lock for a moment.
constexpr int lock_tries = 25;
constexpr auto lock_pause = std::chrono::milliseconds(10);

bool lock(int fd) {
  for (int tries = 0; ::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK; ++tries) {
    if (tries == lock_tries) return false;
    std::this_thread::sleep_for(lock_pause);
  }
  return true;
}

/// Locks the directory against another daemon that keeps its state there. Where locks don't exist the socket tells two daemons
/// apart.
std::expected<base::UniqueFd, std::string> lock_directory(const StateOptions& options) {
  if (!options.persist) return base::UniqueFd();
  base::UniqueFd fd(::open(options.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd && !lock(fd.get())) {
    return std::unexpected("when trying to listen on " + options.socket_path + ": socket " + layers::quote(options.socket_path) +
                           " already in use");
  }
  return fd;
}

/// Whether a file of this name is what a writing leaves that is cut off by the end of its daemon: `.pebble.state.DIGITS~`.
bool is_leftover(std::string_view name) {
  for (const std::string_view base : {file_name, processes_name}) {
    if (!name.starts_with(base) || !name.ends_with('~') || name.size() < base.size() + 3 || name[base.size()] != '.') continue;
    const std::string_view digits = name.substr(base.size() + 1, name.size() - base.size() - 2);
    if (digits.find_first_not_of("0123456789") == std::string_view::npos) return true;
  }
  return false;
}

void remove_leftovers(const std::string& directory) {
  DIR* entries = ::opendir(directory.c_str());
  if (entries == nullptr) return;
  while (const dirent* entry = ::readdir(entries)) {
    if (is_leftover(entry->d_name)) ::unlink((directory + "/" + entry->d_name).c_str());
  }
  ::closedir(entries);
}

/// The file's content; none when there is no file.
std::expected<std::optional<std::string>, std::string> read_file(const std::string& path) {
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd && errno == ENOENT) return std::nullopt;
  if (!fd) return std::unexpected("cannot read the state file: open " + path + ": " + base::errno_text(errno));
  const auto cannot_read = [&](std::string_view why) {
    return std::unexpected("cannot read state: read " + path + ": " + std::string(why));
  };
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return cannot_read(base::errno_text(errno));
  if (S_ISDIR(status.st_mode)) return cannot_read(base::errno_text(EISDIR));
  if (!S_ISREG(status.st_mode)) return cannot_read("not a regular file");
  if (status.st_size > largest_file) return cannot_read(base::errno_text(EFBIG));
  std::string content(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t filled = 0;
  while (filled < content.size()) {
    const ssize_t count = ::read(fd.get(), content.data() + filled, content.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_read(base::errno_text(errno));
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  content.resize(filled);
  return content;
}

/// Moves a damaged file out of the way; nobody's record is thrown away unsaid.
std::expected<std::string, std::string> keep_aside(const std::string& path) {
  std::string time = base::format_utc(base::wall_now());
  std::erase_if(time, [](char c) { return c == ':' || c == '-'; });
  const std::string kept = path + ".corrupt-" + time;
  if (::rename(path.c_str(), kept.c_str()) != 0) return std::unexpected(base::errno_text(errno));
  return kept;
}

std::expected<StateFile::Loaded, std::string> load(const StateOptions& options) {
  StateFile::Loaded loaded;
  std::vector<std::string> log;
  const WallTime now = base::wall_now();
  if (options.persist) {
    remove_leftovers(options.directory);
    if (auto processes = read_file(options.directory + "/" + std::string(processes_name)); processes && *processes) {
      loaded.processes = std::move(**processes);
    }
    const std::string path = options.directory + "/" + std::string(file_name);
    auto content = read_file(path);
    if (!content) return std::unexpected(std::move(content.error()));
    if (*content) {
      auto document = parse_document(**content);
      if (document) {
        loaded.document = std::move(*document);
        if (auto upgraded = upgrade_document(loaded.document, now, log); !upgraded)
          return std::unexpected(std::move(upgraded.error()));
        for (const std::string& line : log) base::log(line);
        loaded.upgraded = !log.empty();
        return loaded;
      }
      const auto kept = keep_aside(path);
      if (!kept) return std::unexpected("cannot read state: " + document.error());
      const std::string text =
          "state file was damaged (" + document.error() + "), kept as " + *kept + ", beginning with an empty state";
      base::log("WARNING: " + text);
      loaded.warnings.push_back(text);
    }
  }
  loaded.missing = true;
  loaded.document.data["patch-level"] = std::to_string(patch_level);
  if (auto fresh = upgrade_document(loaded.document, now, log); !fresh) return std::unexpected(std::move(fresh.error()));
  return loaded;
}

}  // namespace

std::expected<Document, std::string> peek_state(const std::string& directory) {
  const auto content = read_file(directory + "/" + std::string(file_name));
  if (!content) return std::unexpected(content.error());
  if (!*content) return Document();
  auto document = parse_document(**content);
  if (!document) return std::unexpected("cannot read state: " + document.error());
  std::vector<std::string> ignored;
  if (auto upgraded = upgrade_document(*document, base::wall_now(), ignored); !upgraded) return std::unexpected(upgraded.error());
  return document;
}

std::expected<std::unique_ptr<StateFile>, std::string> open_state(base::IoContext& loop, StateOptions options) {
  auto lock = lock_directory(options);
  if (!lock) return std::unexpected(std::move(lock.error()));
  auto loaded = load(options);
  if (!loaded) return std::unexpected(std::move(loaded.error()));
  return std::make_unique<StateFile>(loop, std::move(options), std::move(*lock), std::move(*loaded));
}

}  // namespace cobble::state
