#include <memory>

#include "daemon/api/download.h"
#include "daemon/api/handlers.h"
#include "daemon/base/blocking.h"
#include "daemon/base/text.h"
#include "daemon/files/list.h"
#include "daemon/files/make_dirs.h"
#include "daemon/files/media_type.h"
#include "daemon/files/path.h"
#include "daemon/files/remove.h"
#include "daemon/files/requests.h"
#include "daemon/files/upload.h"
#include "layers/quote.h"

namespace cobble::api {

namespace {

constexpr std::size_t shortest_boundary = 32;
/// Chunks of a body are gathered up to this size before the disk is bothered.
constexpr std::size_t upload_step = 256 * 1024;
constexpr std::size_t largest_json = 64 * 1024 * 1024;
constexpr std::size_t json_step = 16 * 1024;

/// A media type that the client accepts, by name; wildcards don't count.
bool accepts_form_data(const Request& request) {
  std::string_view accept = request.header("Accept");
  while (!accept.empty()) {
    const std::size_t comma = accept.find(',');
    const std::string_view range = accept.substr(0, comma);
    if (base::equal_ignoring_case(base::trim(range.substr(0, range.find(';'))), "multipart/form-data")) return true;
    accept.remove_prefix(comma == std::string_view::npos ? accept.size() : comma + 1);
  }
  return false;
}

Response read_files(const Request& request) {
  const auto paths = request.query.all("path");
  if (paths.empty()) return error_response({400, "must specify one or more paths", {}});
  if (!accepts_form_data(request)) return error_response({400, "must accept multipart/form-data", {}});
  auto download = std::make_shared<Download>(std::vector<std::string>(paths.begin(), paths.end()), request.user);
  Response response;
  response.content_type = "multipart/form-data; boundary=" + download->boundary();
  response.stream = [download](BodyWriter& out) { return download->send(out); };
  return response;
}

Task<Response> list_files(const Request& request) {
  std::string path(request.query.get("path"));
  if (path.empty()) co_return error_response({400, "must specify path", {}});
  const std::string_view itself = request.query.get("itself");
  if (!itself.empty() && itself != "true" && itself != "false")
    co_return error_response({400, "itself parameter must be \"true\" or \"false\"", {}});
  if (!path.starts_with('/')) co_return error_response({400, "path must be absolute, got " + layers::quote(path), {}});
  auto result =
      co_await base::blocking([path = std::move(path), pattern = std::string(request.query.get("pattern")),
                               only_itself = itself == "true"] { return files::list_files(path, pattern, only_itself); });
  co_return result ? sync_response(std::move(*result)) : error_response(result.error());
}

base::Result<void> make_directory(const files::Item& item) {
  if (!item.path.starts_with('/')) return std::unexpected(files::not_absolute(item.path));
  const auto mode = files::parse_permissions(item.permissions, 0755);
  if (!mode) return std::unexpected(mode.error());
  const auto owner = files::resolve_owner(item.owner);
  if (!owner) return std::unexpected(owner.error());
  return files::make_directory(item.path, item.make_parents, *mode, *owner);
}

base::Result<void> remove_path(const files::Item& item) {
  if (!item.path.starts_with('/')) return std::unexpected(files::not_absolute(item.path));
  return item.recursive ? files::remove_all(item.path) : files::remove_one(item.path);
}

/// Works through the items one after the other on the pool.
Task<Response> for_each_item(std::vector<files::Item> items, base::Result<void> (*act)(const files::Item&)) {
  co_return sync_response(co_await base::blocking([items = std::move(items), act] {
    std::vector<files::PathResult> results;
    for (const files::Item& item : items) {
      auto result = act(item);
      results.push_back({item.path, result ? std::nullopt : std::optional(result.error())});
    }
    return files::results_json(results);
  }));
}

/// All of a JSON body, which has a limit of its own: that of the route is made for streamed ones.
Task<Result<std::string>> read_json(BodyReader& body) {
  std::string text;
  while (true) {
    const std::size_t before = text.size();
    if (before > largest_json)
      co_return base::fail(413, "request body must be " + std::to_string(largest_json) + " bytes or less");
    text.resize(before + json_step);
    const auto count = co_await body.read_some(std::span(text).subspan(before));
    text.resize(before + count.value_or(0));
    if (!count) co_return std::unexpected(count.error());
    if (*count == 0) co_return text;
  }
}

/// Fills `space` with some of the body, gathering small chunks; 0 at the end.
Task<Result<std::size_t>> read_step(BodyReader& body, std::span<char> space) {
  std::size_t filled = 0;
  while (filled < space.size() && filled < upload_step) {
    const auto count = co_await body.read_some(space.subspan(filled));
    if (!count) co_return std::unexpected(count.error());
    if (*count == 0) break;
    filled += *count;
  }
  co_return filled;
}

Task<Response> write_files(Request& request, std::string_view boundary) {
  // Shared with the pool, where it may be at work when this coroutine is already gone.
  auto upload = std::make_shared<files::Upload>(
      boundary, [user = request.user](const std::string& path) { log_transfer(user, "push_file", "Pushing", path); });
  while (upload->wants_more()) {
    const auto count = co_await read_step(*request.body, upload->space());
    // A broken body ends where it broke; the upload says what is missing.
    const std::size_t used = count.value_or(0);
    co_await base::blocking([upload, used] {
      upload->proceed(used);
      return true;
    });
  }
  if (upload->error()) co_return error_response(*upload->error());
  co_return sync_response(files::results_json(upload->results()));
}

}  // namespace

Task<Response> get_files(Context&, Request& request) {
  const std::string_view action = request.query.get("action");
  if (action == "read") co_return read_files(request);
  if (action == "list") co_return co_await list_files(request);
  co_return error_response({400, "invalid action " + layers::quote(action), {}});
}

Task<Response> post_files(Context&, Request& request) {
  const std::string_view content_type = request.header("Content-Type");
  const auto media = files::parse_media_type(content_type);
  if (!media) co_return error_response({400, "invalid Content-Type " + layers::quote(content_type), {}});
  if (media->type == "multipart/form-data") {
    const std::string_view boundary = media->parameter("boundary");
    if (boundary.size() < shortest_boundary) co_return error_response({400, "invalid boundary " + layers::quote(boundary), {}});
    co_return co_await write_files(request, boundary);
  }
  if (media->type != "application/json") co_return error_response({400, "invalid media type " + layers::quote(media->type), {}});
  const auto body = co_await read_json(*request.body);
  if (!body) co_return error_response(body.error());
  auto parsed = files::parse_files_request(*body);
  if (!parsed) co_return error_response({400, "cannot decode request body: " + parsed.error(), {}});
  if (parsed->action == "make-dirs") co_return co_await for_each_item(std::move(parsed->dirs), make_directory);
  if (parsed->action == "remove") co_return co_await for_each_item(std::move(parsed->paths), remove_path);
  if (parsed->action == "write") co_return error_response({400, "must use multipart with \"write\" action", {}});
  co_return error_response({400, "invalid action " + layers::quote(parsed->action), {}});
}

}  // namespace cobble::api
