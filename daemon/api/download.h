#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/api/http.h"
#include "daemon/files/requests.h"
#include "daemon/files/source_file.h"

namespace cobble::api {

/// The multipart body that answers `action=read` (contract 04, section 2.3): a part for each file that can be opened, then one
/// with the results. Files are never held in memory.
class Download {
 public:
  Download(std::vector<std::string> paths, access::RequestUser user);

  /// 60 hexadecimal digits, drawn at random.
  const std::string& boundary() const { return boundary_; }
  /// Sends all of the body; stops when the client is gone.
  Task<void> send(BodyWriter& out);

 private:
  Task<bool> send_file(BodyWriter& out, const std::string& path);
  Task<bool> send_content(BodyWriter& out, std::shared_ptr<files::SourceFile> file);
  std::string part_head(std::string_view disposition, std::string_view content_type);

  std::vector<std::string> paths_;
  access::RequestUser user_;
  std::string boundary_;
  std::string line_end_;  ///< what stands before the next boundary: nothing before the first
  std::vector<files::PathResult> results_;
};

/// Writes the security event of one path that is read or written (contract 04, section 3.1): `verb` is `Pulling` or `Pushing`,
/// `event` `pull_file` or `push_file`.
void log_transfer(const access::RequestUser& user, std::string_view event, std::string_view verb, std::string_view path);

}  // namespace cobble::api
