#include "daemon/exec/request.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "daemon/base/json.h"
#include "daemon/base/log.h"
#include "daemon/process/spawn.h"
#include "daemon/process/users.h"
#include "layers/duration.h"
#include "layers/quote.h"

namespace cobble::exec {

namespace {

using Environment = std::map<std::string, std::string>;

constexpr const char* default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

bool is_executable_file(const std::string& path) {
  struct stat info{};
  return path.find('\0') == std::string::npos && ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

base::Error call_error(const std::string& text) {
  return {500, "cannot call exec: " + text, {}};
}

/// `what`: `working directory` or `home directory`.
base::Result<void> check_directory(const std::string& path, std::string_view what) {
  const std::string named = std::string(what) + " " + layers::quote(path);
  struct stat info{};
  const bool has_nul = path.find('\0') != std::string::npos;
  if (has_nul || ::stat(path.c_str(), &info) != 0) {
    const int error = has_nul ? EINVAL : errno;
    if (error == ENOENT) return std::unexpected(call_error(named + " does not exist"));
    return std::unexpected(call_error("cannot stat " + named + ": stat " + path + ": " + base::errno_text(error)));
  }
  if (!S_ISDIR(info.st_mode)) return std::unexpected(call_error(named + " not a directory"));
  return {};
}

Environment environment_for(const process::Credentials& credentials, const Environment& own) {
  Environment environment;
  for (const std::string& entry : process::daemon_environment()) {
    const std::size_t equals = entry.find('=');
    if (equals != std::string::npos && equals > 0) environment.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  const uid_t uid = credentials.uid.value_or(::geteuid());
  if (uid != ::geteuid()) {
    environment.erase("HOME");
    environment.erase("USER");
  }
  for (const auto& [name, value] : own) environment[name] = value;
  environment.emplace("PATH", default_path);
  if (environment["HOME"].empty() || environment["USER"].empty()) {
    const auto user = process::find_user(uid);
    if (!user) {
      const std::string text = std::to_string(uid);
      base::log("Cannot look up user " + text + ": user: unknown userid " + text);
    }
    for (const char* name : {"HOME", "USER"}) {
      std::string& value = environment[name];
      if (value.empty() && user) value = name == std::string_view("HOME") ? user->home : user->name;
      // What was neither given nor found stays unset.
      if (value.empty() && !own.contains(name)) environment.erase(name);
    }
  }
  environment.emplace("LANG", "C.UTF-8");
  return environment;
}

void take_size(const Request& request, Command& command) {
  if (request.width <= 0 || request.height <= 0) return;
  command.columns = static_cast<std::uint16_t>(request.width & 0xFFFF);
  command.rows = static_cast<std::uint16_t>(request.height & 0xFFFF);
}

}  // namespace

base::Result<Request> parse_request(std::string_view json) {
  const auto value = base::parse_json(json);
  if (!value) return base::bad_request("cannot decode request body: " + value.error());
  Request request;
  std::string timeout;
  base::JsonFields fields(*value);
  fields.read("command", request.command);
  fields.read("service-context", request.service_context);
  fields.read("environment", request.own.environment);
  fields.read("working-dir", request.own.working_dir);
  fields.read("timeout", timeout);
  fields.read("user-id", request.own.user_id);
  fields.read("user", request.own.user);
  fields.read("group-id", request.own.group_id);
  fields.read("group", request.own.group);
  fields.read("terminal", request.terminal);
  fields.read("interactive", request.interactive);
  fields.read("split-stderr", request.split_stderr);
  fields.read("width", request.width);
  fields.read("height", request.height);
  if (fields.error()) return base::bad_request("cannot decode request body: " + *fields.error());
  if (request.command.empty()) return base::bad_request("must specify command");
  if (!timeout.empty()) {
    const auto parsed = layers::parse_duration(timeout);
    if (!parsed) return base::bad_request("invalid timeout: " + parsed.error());
    if (*parsed != base::Nanoseconds(0)) request.timeout = *parsed;
  }
  return request;
}

bool executable_exists(const std::string& name) {
  if (name.find('/') != std::string::npos) return is_executable_file(name);
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!name.empty() && !rest.empty()) {
    const std::size_t colon = rest.find(':');
    const std::string_view folder = rest.substr(0, colon);
    if (folder.starts_with('/') && is_executable_file(std::string(folder) + "/" + name)) return true;
    rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
  }
  return false;
}

base::Result<Command> prepare(const Request& request, process::CommandContext context) {
  const auto credentials = process::resolve_credentials(context.user, context.user_id, context.group, context.group_id);
  if (!credentials) return base::bad_request(credentials.error());
  if (request.interactive && !request.terminal)
    return std::unexpected(call_error("cannot use interactive mode without a terminal"));
  Command command;
  command.argv = request.command;
  command.environment = environment_for(*credentials, context.environment);
  command.working_dir = context.working_dir;
  std::string_view what = "working directory";
  if (command.working_dir.empty()) {
    const auto home = command.environment.find("HOME");
    command.working_dir = home != command.environment.end() && !home->second.empty() ? home->second : "/";
    what = "home directory";
  }
  if (auto checked = check_directory(command.working_dir, what); !checked) return std::unexpected(checked.error());
  if (!credentials->same_as_daemon) {
    command.uid = credentials->uid;
    command.gid = credentials->gid;
  }
  command.timeout = request.timeout;
  command.terminal = request.terminal;
  command.interactive = request.interactive;
  command.split_stderr = request.split_stderr;
  take_size(request, command);
  return command;
}

}  // namespace cobble::exec
