#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/files/atomic_file.h"
#include "daemon/files/multipart.h"
#include "daemon/files/requests.h"

namespace cobble::files {

/// One write request (contract 04, section 2.6): takes the multipart body as it comes and writes its files. Memory is bounded.
/// Made for a thread of the pool: `proceed` blocks. When it goes before its end, the file that was being written goes too.
class Upload {
 public:
  /// `on_file` is called with the path of each file part before anything is done about it.
  Upload(std::string_view boundary, std::function<void(const std::string&)> on_file);

  /// Where the next bytes of the body go; never empty while `wants_more`.
  std::span<char> space() { return parser_.space(); }
  /// Uses `count` bytes that were put into `space()`; 0 says that the body has ended.
  void proceed(std::size_t count);
  /// False when the request has been judged: `error` or `results`.
  bool wants_more() const { return !finished_; }

  /// What is wrong with the request as a whole; files of earlier parts stay written.
  const std::optional<base::Error>& error() const { return error_; }
  /// One result for each file of the metadata, in its order.
  std::vector<PathResult> results() const;

 private:
  /// The body's JSON is held whole; more than this is refused.
  static constexpr std::size_t max_metadata = 64 * 1024 * 1024;
  static constexpr mode_t default_mode = 0644;
  static constexpr mode_t parent_mode = 0755;

  void fail(std::string message);
  void handle(MultipartParser::Event event);
  void begin_part();
  void begin_metadata(const std::string& name);
  void take_metadata();
  void begin_file(const std::string& path);
  base::Result<void> open_file(const Item& item);
  void finish_file();
  void settle(base::Result<void> result);

  MultipartParser parser_;
  std::function<void(const std::string&)> on_file_;
  bool finished_ = false;
  std::optional<base::Error> error_;
  bool in_metadata_ = false;
  bool have_metadata_ = false;
  std::string metadata_;
  std::vector<Item> items_;
  std::map<std::string, std::size_t, std::less<>> by_path_;  ///< the last item of each path
  std::size_t parts_ = 0;                                    ///< file parts that have begun
  bool in_file_ = false;
  std::string path_;  ///< of the part being read
  std::optional<AtomicFile> file_;
  mode_t mode_ = default_mode;
  Owner owner_;
  std::map<std::string, std::optional<base::Error>> outcomes_;
};

}  // namespace cobble::files
