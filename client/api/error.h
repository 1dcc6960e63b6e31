#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace cobble::client {

/// Why something the client was asked for did not happen.
struct Error {
  /// Where the fault was found; it decides how the text is shown (contract 10, section 2.8).
  enum class Source {
    local,       ///< by the client itself: words, local files, replies that make no sense
    connection,  ///< the request could not be carried out
    server,      ///< an error reply of the server
  };

  Source source = Source::local;
  std::string message;
  std::string kind;  ///< the server's `kind`, if it sent one
};

/// What went wrong on the way to the server, in the words of contract 10, section 2.7.
struct Trouble {
  std::string cause;
  bool permanent = false;  ///< trying again cannot help
};

template <class T>
using Result = std::expected<T, Error>;

/// An error found by the client itself.
inline std::unexpected<Error> fail(std::string message) {
  return std::unexpected(Error{Error::Source::local, std::move(message), {}});
}

/// The same error with a text in front; shown as it is from then on.
inline std::unexpected<Error> wrap(std::string_view prefix, const Error& error) {
  return fail(std::string(prefix) + error.message);
}

/// The system's words for an errno value, in lower case: `no such file or directory`.
std::string system_error_text(int number);

}  // namespace cobble::client
