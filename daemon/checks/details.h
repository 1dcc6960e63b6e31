#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// The few lines of output that explain a failed run (contract 06, sections 3.4 and 3.6). Pure.
namespace cobble::checks {

/// Bytes of output that are looked at.
inline constexpr std::size_t details_limit = 512;

/// The first five lines of a response's body (its first `details_limit` bytes); `(...)` follows when there are more.
std::string body_details(std::string_view body);

/// The last five lines of a command's output (its last `details_limit` bytes); `(...)` goes before them when there were more.
std::string output_details(std::string_view tail);

/// Keeps the last `details_limit` bytes of what is appended.
class OutputTail {
 public:
  void append(std::string_view bytes);
  std::string_view text() const { return kept_; }

 private:
  std::string kept_;
};

}  // namespace cobble::checks
