#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/error.h"
#include "daemon/files/owner.h"

/// What clients ask of the files API in JSON (contract 04, sections 2.5 to 2.8). Pure.
namespace cobble::files {

/// One entry of `files`, `dirs` or `paths`; keys that the action doesn't have keep their defaults.
struct Item {
  std::string path;
  std::string permissions;
  OwnerRequest owner;
  bool make_dirs = false;     ///< write
  bool make_parents = false;  ///< make-dirs
  bool recursive = false;     ///< remove
};

struct FilesRequest {
  std::string action;
  std::vector<Item> files;  ///< write
  std::vector<Item> dirs;   ///< make-dirs
  std::vector<Item> paths;  ///< remove
};

/// Reads the JSON; the error is the reason alone (`EOF`, `json: cannot unmarshal …`).
std::expected<FilesRequest, std::string> parse_files_request(std::string_view text);

/// One path of a result: `{"path":…}`, with its error when there is one.
struct PathResult {
  std::string path;
  std::optional<base::Error> error;
};

/// The JSON array of `result`.
std::string results_json(const std::vector<PathResult>& results);

}  // namespace cobble::files
