#include "daemon/files/requests.h"

#include <nlohmann/json.hpp>

#include "daemon/base/json.h"
#include "daemon/base/json_writer.h"

namespace cobble::files {

namespace {

using Error = std::optional<std::string>;

Error read_item(const nlohmann::json& value, Item& item) {
  base::JsonFields fields(value);
  fields.read("path", item.path);
  fields.read("permissions", item.permissions);
  fields.read("user-id", item.owner.user_id);
  fields.read("user", item.owner.user);
  fields.read("group-id", item.owner.group_id);
  fields.read("group", item.owner.group);
  fields.read("make-dirs", item.make_dirs);
  fields.read("make-parents", item.make_parents);
  fields.read("recursive", item.recursive);
  return fields.error();
}

Error read_items(const base::JsonFields& fields, std::string_view key, std::vector<Item>& items) {
  const nlohmann::json* list = fields.find(key);
  if (list == nullptr) return {};
  if (!list->is_array()) {
    return "json: cannot unmarshal " + std::string(base::json_kind(*list)) + " into Go struct field ." + std::string(key) +
           " of type array";
  }
  for (const nlohmann::json& value : *list) {
    if (Error error = read_item(value, items.emplace_back())) return error;
  }
  return {};
}

}  // namespace

std::expected<FilesRequest, std::string> parse_files_request(std::string_view text) {
  const auto value = base::parse_json(text);
  if (!value) return std::unexpected(value.error());
  FilesRequest request;
  base::JsonFields fields(*value);
  fields.read("action", request.action);
  if (fields.error()) return std::unexpected(*fields.error());
  for (const auto& [key, items] :
       {std::pair("files", &request.files), std::pair("dirs", &request.dirs), std::pair("paths", &request.paths)}) {
    if (const Error error = read_items(fields, key, *items)) return std::unexpected(*error);
  }
  return request;
}

std::string results_json(const std::vector<PathResult>& results) {
  base::JsonWriter json;
  json.begin_array();
  for (const PathResult& result : results) {
    json.begin_object();
    json.field("path", result.path);
    if (result.error) {
      json.key("error");
      json.begin_object();
      json.field("message", result.error->message);
      json.field("kind", result.error->kind);
      json.end_object();
    }
    json.end_object();
  }
  json.end_array();
  return json.take();
}

}  // namespace cobble::files
