#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "daemon/api/connection.h"

namespace cobble::api {

/// Appends the line before a chunk of `size` bytes.
void append_chunk_head(std::string& out, std::size_t size);

/// Sends a streamed body; the head goes out with the first bytes.
class ResponseBody final : public BodyWriter {
 public:
  ResponseBody(Connection& connection, bool chunked, std::string head);

  Task<bool> write(std::string_view bytes) override;
  Task<bool> flush() override;
  bool wanted() const override;
  Task<bool> send_file(int fd, std::uint64_t count) override;

  /// Ends the body; false when the connection can't be kept (errors, or fewer bytes than announced).
  Task<bool> finish(std::optional<std::uint64_t> announced);

 private:
  struct FileSource;
  Task<bool> put(std::string_view head, std::string_view body);
  Task<std::size_t> copy_piece(std::shared_ptr<FileSource> source, std::uint64_t most);

  Connection& connection_;
  bool chunked_;
  bool good_ = true;
  std::string head_;  ///< what goes before the next bytes
  std::uint64_t sent_ = 0;
};

}  // namespace cobble::api
