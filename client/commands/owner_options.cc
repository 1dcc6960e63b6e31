#include "client/commands/owner_options.h"

#include <charconv>

#include "layers/quote.h"

namespace cobble::client {

Ownership owner_of(const Arguments& arguments) {
  return {arguments.integer("uid"), arguments.text("user"), arguments.integer("gid"), arguments.text("group")};
}

Result<std::string> permissions_for_server(const std::string& mode) {
  if (mode.empty()) return std::string();
  unsigned bits = 0;
  const auto read = std::from_chars(mode.data(), mode.data() + mode.size(), bits, 8);
  if (read.ec != std::errc() || read.ptr != mode.data() + mode.size())
    return fail("invalid mode for directory: " + layers::quote(mode));
  return bits == 0 ? std::string() : octal_permissions(bits);
}

std::string octal_permissions(unsigned bits) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, bits, 8);
  std::string text(digits, end.ptr);
  if (text.size() < 3) text.insert(0, 3 - text.size(), '0');
  return text;
}

}  // namespace cobble::client
