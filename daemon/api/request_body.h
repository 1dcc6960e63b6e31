#pragma once

#include <cstdint>
#include <string>

#include "daemon/api/connection.h"

namespace cobble::api {

/// The body of one request, read from its connection as the handler asks for it.
class RequestBody final : public BodyReader {
 public:
  RequestBody(Connection& connection, RequestParser& parser);

  Task<Result<std::size_t>> read_some(std::span<char> buffer) override;
  Task<Result<std::string>> read_all() override;

  /// Takes Content-Length and Transfer-Encoding from the parser's fields; false when they make no sense.
  bool prepare();
  /// At most this many bytes are given to the handler; more is a 413.
  void set_limit(std::uint64_t limit) { limit_ = limit; }
  /// Answers `Expect: 100-continue` when the body is first asked for.
  void expect_continue() { continue_pending_ = true; }
  bool finished() const { return finished_; }
  /// Whether the connection can go on after what is left has been thrown away: at most 256 KiB, and the client is sending it.
  bool worth_draining() const;
  /// Reads and forgets the rest; false when that failed or there was too much.
  Task<bool> drain();

 private:
  Task<Result<std::size_t>> read_plain(std::span<char> buffer);
  Task<Result<std::size_t>> read_chunked(std::span<char> buffer);
  std::size_t take_buffered(std::span<char> buffer, std::uint64_t most);
  base::Error too_large() const;

  Connection& connection_;
  RequestParser& parser_;
  std::uint64_t limit_ = 0;
  std::uint64_t remaining_ = 0;  ///< of a body with Content-Length
  std::uint64_t received_ = 0;
  std::string decoded_;  ///< of a chunked body
  std::size_t decoded_used_ = 0;
  bool chunked_ = false;
  bool finished_ = true;
  bool continue_pending_ = false;
};

}  // namespace cobble::api
