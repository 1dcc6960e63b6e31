#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "client/api/client.h"
#include "client/api/envelope.h"
#include "client/api/multipart.h"
#include "layers/form_data.h"
#include "layers/quote.h"

namespace cobble::client {
namespace {

using nlohmann::json;

constexpr std::size_t piece_size = 128 << 10;
constexpr std::size_t response_limit = 1 << 20;

json file_metadata(const NewPath& file) {
  const auto number = [](const std::optional<std::int64_t>& value) { return value ? json(*value) : json(nullptr); };
  const json item = {{"path", file.path},
                     {"make-dirs", file.make_parents},
                     {"permissions", file.permissions},
                     {"user-id", number(file.owner.user_id)},
                     {"user", file.owner.user},
                     {"group-id", number(file.owner.group_id)},
                     {"group", file.owner.group}};
  return {{"action", "write"}, {"files", json::array({item})}};
}

/// Sends what can be read from `source`.
std::expected<void, Trouble> stream_file(int source, const std::string& name, const BodySink& sink) {
  std::string buffer(piece_size, '\0');
  for (;;) {
    const ssize_t count = ::read(source, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::unexpected(Trouble{"read " + name + ": " + system_error_text(errno), true});
    if (count == 0) return {};
    const auto wanted = sink(std::string_view(buffer).substr(0, static_cast<std::size_t>(count)));
    if (!wanted) return std::unexpected(wanted.error());
    if (!*wanted) return {};
  }
}

}  // namespace

Result<void> Client::push(const NewPath& file, int source, const std::string& source_name) {
  const std::string boundary = multipart_boundary();
  HttpRequest request;
  request.method = "POST";
  request.target = "/v1/files";
  request.headers = {{"Content-Type", "multipart/form-data; boundary=" + boundary}};
  request.stream = [&](const BodySink& sink) -> std::expected<void, Trouble> {
    std::string head =
        "--" + boundary + "\r\nContent-Disposition: form-data; name=\"request\"\r\nContent-Type: application/json\r\n\r\n";
    head += file_metadata(file).dump(-1, ' ', false, json::error_handler_t::replace) + "\n\r\n--" + boundary;
    head += "\r\nContent-Disposition: form-data; name=\"files\"; filename=\"" + layers::escape_file_name(file.path);
    head += "\"\r\nContent-Type: application/octet-stream\r\n\r\n";
    if (auto sent = sink(head); !sent || !*sent) return sent ? std::expected<void, Trouble>() : std::unexpected(sent.error());
    if (auto streamed = stream_file(source, source_name, sink); !streamed) return streamed;
    auto end = sink("\r\n--" + boundary + "--\r\n");
    if (!end) return std::unexpected(end.error());
    return {};
  };
  const auto result = ask_sync(request);
  if (!result) return std::unexpected(result.error());
  return check_file_result(*result);
}

Result<void> Client::pull(const std::string& path, const std::function<std::string(std::string_view)>& take) {
  HttpRequest request;
  request.target = "/v1/files" + Query().add("action", "read").add("path", path).text();
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "multipart/form-data"}};
  auto reply = ask(request);
  if (!reply) return std::unexpected(reply.error());
  const std::string type(reply->head.header("Content-Type"));
  const auto boundary = boundary_of(type);
  if (!boundary) {
    const auto body = read_body(*reply, request);
    if (!body) return std::unexpected(body.error());
    if (type.starts_with("application/json")) {
      auto envelope = open_envelope(*body);
      if (!envelope) return std::unexpected(envelope.error());
    }
    return fail("expected a multipart response, got " + layers::quote(type.substr(0, type.find(';'))));
  }
  std::string part;
  std::string response;
  std::string fault;
  MultipartReader reader(
      *boundary, [&](std::string_view name) { part = name; },
      [&](std::string_view piece) {
        if (part == "files" && fault.empty()) fault = take(piece);
        if (part == "response" && response.size() < response_limit) response += piece;
      });
  std::string buffer(piece_size, '\0');
  for (;;) {
    const auto count = reply->connection->read(buffer.data(), buffer.size(), interrupt_fd_);
    if (!count) return fail("cannot read multipart response: " + count.error().cause);
    if (*count == 0) break;
    if (!reader.add(std::string_view(buffer).substr(0, *count))) return fail("cannot read multipart response: malformed part");
    if (!fault.empty()) return fail(fault);
  }
  if (!reader.complete()) return fail("cannot read multipart response: unexpected EOF");
  keep(*reply);
  auto envelope = open_envelope(response);
  if (!envelope) return std::unexpected(envelope.error());
  if (envelope->type != "sync") return fail("expected sync response, got " + layers::quote(envelope->type));
  return check_file_result(envelope->result);
}

}  // namespace cobble::client
