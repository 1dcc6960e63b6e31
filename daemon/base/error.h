#pragma once

#include <expected>
#include <string>
#include <utility>

namespace cobble::base {

/// The one error type of the daemon. It becomes a response in one place (api/response.h, contract 03 section 2.7).
struct Error {
  int status = 500;     ///< HTTP status that a client gets
  std::string message;  ///< `result.message`
  std::string kind;     ///< `result.kind`; empty: no such key
};

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(int status, std::string message, std::string kind = {}) {
  return std::unexpected(Error{status, std::move(message), std::move(kind)});
}

inline std::unexpected<Error> bad_request(std::string message) {
  return fail(400, std::move(message));
}
inline std::unexpected<Error> not_found(std::string message) {
  return fail(404, std::move(message));
}

/// The text of an errno value as users of the reference know it (lower case, "no such file or directory"); the same in every
/// locale.
std::string errno_text(int error);

}  // namespace cobble::base
