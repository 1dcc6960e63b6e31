#include "client/commands/context.h"

#include <unistd.h>

#include <cerrno>

#include "client/api/connection.h"

namespace cobble::client {

void Context::print(std::string_view text) {
  if (!write_all(STDOUT_FILENO, text) && write_error_ == 0) write_error_ = errno;
}

void Context::note(std::string_view text) {
  static_cast<void>(write_all(STDERR_FILENO, text));
}

bool Context::print_formatted(const Arguments& arguments, const Value& value) {
  const std::string format = arguments.text("format");
  if (format == "json") print(to_json(value) + "\n");
  if (format == "yaml") print(to_yaml(value));
  return format != "text";
}

}  // namespace cobble::client
