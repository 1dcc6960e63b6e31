#include "client/commands/state_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "client/api/decode.h"
#include "client/api/descriptor.h"
#include "client/commands/environment.h"
#include "client/commands/local_file.h"

namespace cobble::client {
namespace {

using nlohmann::json;

constexpr const char* top_key = "pebble";

SeenTimes read_times(const json& entry) {
  Decoder in(entry);
  const auto time = [&](const char* key) { return in.time(key).value_or(Time::zero()); };
  return {time("notices-last-listed"), time("notices-last-okayed"), time("warnings-last-listed"), time("warnings-last-okayed")};
}

std::string written(const std::map<std::string, SeenTimes>& entries) {
  json sockets = json::object();
  for (const auto& [socket, times] : entries) {
    sockets[socket] = {{"notices-last-listed", format_time(times.notices_last_listed)},
                       {"notices-last-okayed", format_time(times.notices_last_okayed)},
                       {"warnings-last-listed", format_time(times.warnings_last_listed)},
                       {"warnings-last-okayed", format_time(times.warnings_last_okayed)}};
  }
  return json{{top_key, std::move(sockets)}}.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Holds the lock on the folder of the state file; without one, when the folder cannot be locked, writing goes on all the same.
FileDescriptor lock_folder(const std::string& path) {
  FileDescriptor folder(open(path.substr(0, path.rfind('/')).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder) static_cast<void>(flock(folder.get(), LOCK_EX));
  return folder;
}

}  // namespace

StateFile::StateFile() : path_(config_folder() + "/cli.json") {}

Result<StateFile::Entries> StateFile::read() const {
  Entries entries;
  const auto text = read_local_file(path_);
  if (!text && text.error().number == ENOENT) return entries;
  if (!text) return fail("cannot load CLI state: " + text.error().message);
  const json value = json::parse(*text, nullptr, false);
  if (value.is_discarded())
    return fail(text->empty() ? "cannot load CLI state: unexpected end of JSON input"
                              : "cannot load CLI state: invalid JSON in " + path_);
  const json sockets = value.is_object() ? value.value(top_key, json::object()) : json::object();
  if (!sockets.is_object()) return entries;
  for (const auto& [socket, entry] : sockets.items()) entries[socket] = read_times(entry);
  return entries;
}

Result<SeenTimes> StateFile::load(const std::string& socket) const {
  auto entries = read();
  if (!entries) return std::unexpected(entries.error());
  return (*entries)[socket];
}

Result<void> StateFile::save(const std::string& socket, const SeenTimes& times) const {
  const auto cannot = [](const std::string& why) { return fail("cannot save CLI state: " + why); };
  if (const std::string fault = make_folders(path_); !fault.empty()) return cannot(fault);
  const FileDescriptor lock = lock_folder(path_);
  auto entries = read().value_or(Entries());
  entries[socket] = times;
  const std::string temporary = path_ + "." + std::to_string(getpid());
  FileDescriptor file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return cannot("open " + path_ + ": " + system_error_text(errno));
  const bool whole = write_all(file.get(), written(entries));
  const int write_error = errno;
  if (whole && rename(temporary.c_str(), path_.c_str()) == 0) return {};
  const int error = whole ? errno : write_error;
  unlink(temporary.c_str());
  return cannot((whole ? "open " : "write ") + path_ + ": " + system_error_text(error));
}

}  // namespace cobble::client
