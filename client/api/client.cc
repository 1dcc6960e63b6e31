#include "client/api/client.h"

#include <poll.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "client/api/decode.h"
#include "client/api/dial.h"
#include "client/api/envelope.h"
#include "client/api/websocket.h"
#include "layers/duration.h"
#include "layers/quote.h"

namespace cobble::client {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;

constexpr auto retry_pause = std::chrono::milliseconds(250);
constexpr auto retry_span = std::chrono::seconds(5);
constexpr auto tell_after = std::chrono::seconds(1);
constexpr auto handshake_limit = std::chrono::seconds(5);
constexpr std::size_t body_limit = 256 << 20;

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// `Get`, `Post`, as connection errors show a method.
std::string capitalised(std::string method) {
  for (std::size_t i = 1; i < method.size(); ++i) method[i] = static_cast<char>(method[i] - 'A' + 'a');
  return method;
}

/// Sleeps; false when interrupted.
bool pause(std::chrono::milliseconds span, int interrupt_fd) {
  if (interrupt_fd < 0) {
    std::this_thread::sleep_for(span);
    return true;
  }
  pollfd polled{interrupt_fd, POLLIN, 0};
  return poll(&polled, 1, static_cast<int>(span.count())) <= 0;
}

}  // namespace

Error Client::communication_error(const HttpRequest& request, const Trouble& trouble) const {
  return {Error::Source::connection,
          "cannot communicate with server: " + capitalised(request.method) + " " + layers::quote(endpoint_.url(request.target)) +
              ": " + trouble.cause,
          {}};
}

std::expected<Client::Reply, Trouble> Client::ask_once(const HttpRequest& request) {
  std::unique_ptr<HttpConnection> connection = std::move(idle_);
  if (!connection || !connection->reusable()) {
    auto opened = Connection::open(endpoint_);
    if (!opened) return std::unexpected(opened.error());
    connection = std::make_unique<HttpConnection>(std::move(*opened), endpoint_);
  }
  auto head = connection->ask(request, interrupt_fd_);
  if (!head) return std::unexpected(head.error());
  return Reply{std::move(*head), std::move(connection)};
}

Result<Client::Reply> Client::ask(const HttpRequest& request) {
  const auto began = steady_clock::now();
  for (;;) {
    auto reply = ask_once(request);
    if (reply) {
      on_waiting_ = nullptr;
      return std::move(*reply);
    }
    const bool again =
        patient_ && request.method == "GET" && !reply.error().permanent && steady_clock::now() - began < retry_span;
    if (!again) return std::unexpected(communication_error(request, reply.error()));
    if (on_waiting_ && steady_clock::now() - began >= tell_after) std::exchange(on_waiting_, nullptr)(reply.error().cause);
    if (!pause(retry_pause, interrupt_fd_)) return std::unexpected(communication_error(request, {std::string(interrupted_text)}));
  }
}

void Client::keep(Reply& reply) {
  if (reply.connection->reusable()) idle_ = std::move(reply.connection);
}

Result<std::string> Client::read_body(Reply& reply, const HttpRequest& request) {
  std::string body;
  char buffer[16384];
  for (;;) {
    const auto count = reply.connection->read(buffer, sizeof buffer, interrupt_fd_);
    if (!count) {
      if (count.error().permanent) return std::unexpected(communication_error(request, count.error()));
      return fail("cannot decode " + layers::quote(body.substr(0, 1000)) + ": " + count.error().cause);
    }
    if (*count == 0) break;
    body.append(buffer, *count);
    if (body.size() > body_limit) return fail("cannot decode a reply of more than " + std::to_string(body_limit >> 20) + " MiB");
  }
  keep(reply);
  return body;
}

void Client::remember(const Envelope& envelope) {
  maintenance_ = envelope.maintenance;
  const auto& warning = envelope.latest_warning;
  if (warning && (!latest_warning_ || latest_warning_->before(*warning))) latest_warning_ = warning;
}

Result<Envelope> Client::ask_envelope(const HttpRequest& request) {
  auto reply = ask(request);
  if (!reply) return std::unexpected(reply.error());
  const auto body = read_body(*reply, request);
  if (!body) return std::unexpected(body.error());
  maintenance_.reset();
  return open_envelope(*body);
}

Result<json> Client::ask_sync(const HttpRequest& request) {
  auto envelope = ask_envelope(request);
  if (!envelope) return std::unexpected(envelope.error());
  if (envelope->type != "sync") return fail("expected sync response, got " + layers::quote(envelope->type));
  remember(*envelope);
  return std::move(envelope->result);
}

Result<Envelope> Client::ask_async(const HttpRequest& request) {
  auto envelope = ask_envelope(request);
  if (!envelope) return envelope;
  if (envelope->type != "async") {
    return fail("expected async response for " + layers::quote(request.method) + " on " + layers::quote(request.target) +
                ", got " + layers::quote(envelope->type));
  }
  if (envelope->status_code != 202) return fail("operation not accepted");
  if (envelope->change.empty()) return fail("async response without change reference");
  remember(*envelope);
  return envelope;
}

namespace {

HttpRequest json_request(std::string method, std::string target, std::string body = {}) {
  HttpRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.headers = {{"Content-Type", "application/json"}};
  request.body = std::move(body);
  return request;
}

/// Runs `decode` on a result, if there is one.
template <class Decode>
auto decoded(const Result<json>& result, Decode decode) -> decltype(decode(*result)) {
  if (!result) return std::unexpected(result.error());
  return decode(*result);
}

Result<void> without_value(const Result<json>& result) {
  if (!result) return std::unexpected(result.error());
  return {};
}

json optional_number(const std::optional<std::int64_t>& number) {
  return number ? json(*number) : json(nullptr);
}

void add_owner(json& item, const Ownership& owner) {
  item["user-id"] = optional_number(owner.user_id);
  item["user"] = owner.user;
  item["group-id"] = optional_number(owner.group_id);
  item["group"] = owner.group;
}

}  // namespace

Result<json> Client::get(std::string target) {
  return ask_sync(json_request("GET", std::move(target)));
}

Result<json> Client::post(std::string target, const json& body) {
  return ask_sync(json_request("POST", std::move(target), dump(body) + "\n"));
}

Result<void> Client::post_files(const json& body) {
  return decoded(post("/v1/files", body), check_file_result);
}

Result<std::string> Client::server_version() {
  return decoded(get("/v1/system-info"), [](const json& result) -> Result<std::string> {
    Decoder in(result);
    std::string version = in.text("version");
    if (!in.fault().empty()) return fail("cannot unmarshal: " + in.fault());
    return version;
  });
}

Result<std::string> Client::plan() {
  return decoded(get("/v1/plan?format=yaml"), decode_text);
}

Result<void> Client::add_layer(const NewLayer& layer) {
  return without_value(post("/v1/layers", {{"action", "add"},
                                           {"combine", layer.combine},
                                           {"inner", layer.inner},
                                           {"label", layer.label},
                                           {"format", "yaml"},
                                           {"layer", layer.text}}));
}

Result<std::vector<ServiceInfo>> Client::services(const Names& names, bool usage) {
  std::string joined;
  for (const std::string& name : names) joined += (&name == &names.front() ? "" : ",") + name;
  Query query;
  query.add("names", joined);
  if (usage) query.add("usage", "true");
  return decoded(get("/v1/services" + query.text()), decode_services);
}

Result<std::string> Client::change_services(const std::string& action, const std::optional<Names>& names) {
  const json body = {{"action", action}, {"services", names ? json(*names) : json(nullptr)}};
  auto envelope = ask_async(json_request("POST", "/v1/services", dump(body) + "\n"));
  if (!envelope) return std::unexpected(envelope.error());
  return std::move(envelope->change);
}

Result<ReplanPreview> Client::preview_replan() {
  return decoded(get("/v1/replan"), decode_replan);
}

Result<void> Client::send_signal(const std::string& signal, const Names& services) {
  return without_value(post("/v1/signals", {{"signal", signal}, {"services", services}}));
}

Result<std::vector<Change>> Client::changes(const std::string& service) {
  Query query;
  if (!service.empty()) query.add("for", service);
  return decoded(get("/v1/changes" + query.add("select", "all").text()), decode_changes);
}

Result<Change> Client::change(const std::string& id) {
  return decoded(get("/v1/changes/" + id), decode_change);
}

Result<void> Client::abort_change(const std::string& id) {
  return without_value(post("/v1/changes/" + id, {{"action", "abort"}}));
}

Result<Change> Client::wait_change(const std::string& id, Nanoseconds timeout) {
  Query query;
  if (timeout.count() != 0) query.add("timeout", layers::format_duration(timeout));
  return decoded(get("/v1/changes/" + id + "/wait" + query.text()), decode_change);
}

namespace {

Query check_query(const std::string& level, const Names& names) {
  Query query;
  if (!level.empty()) query.add("level", level);
  for (const std::string& name : names) query.add("names", name);
  return query;
}

}  // namespace

Result<std::vector<CheckInfo>> Client::checks(const std::string& level, const Names& names) {
  return decoded(get("/v1/checks" + check_query(level, names).text()), decode_checks);
}

Result<RefreshedCheck> Client::refresh_check(const std::string& name) {
  return decoded(post("/v1/checks/refresh", {{"name", name}}), decode_refreshed_check);
}

Result<Names> Client::change_checks(const std::string& action, const Names& names) {
  return decoded(post("/v1/checks", {{"action", action}, {"checks", names}}), [](const json& result) -> Result<Names> {
    Decoder in(result);
    Names changed = in.names("changed");
    if (!in.fault().empty()) return fail("cannot unmarshal: " + in.fault());
    return changed;
  });
}

Result<bool> Client::health(const std::string& level, const Names& names) {
  return decoded(get("/v1/health" + check_query(level, names).text()), [](const json& result) -> Result<bool> {
    Decoder in(result);
    const bool healthy = in.boolean("healthy");
    if (!in.fault().empty()) return fail("cannot unmarshal: " + in.fault());
    return healthy;
  });
}

Result<std::vector<Notice>> Client::notices(const NoticeFilter& filter) {
  Query query;
  if (filter.after) query.add("after", format_time(*filter.after));
  for (const std::string& key : filter.keys) query.add("keys", key);
  if (filter.timeout.count() != 0) query.add("timeout", layers::format_duration(filter.timeout));
  for (const std::string& type : filter.types) query.add("types", type);
  if (filter.user_id) query.add("user-id", std::to_string(*filter.user_id));
  if (!filter.users.empty()) query.add("users", filter.users);
  return decoded(get("/v1/notices" + query.text()), decode_notices);
}

Result<Notice> Client::notice(const std::string& id) {
  return decoded(get("/v1/notices/" + id), decode_notice);
}

Result<std::string> Client::notify(const NewNotice& notice) {
  json body = {{"action", "add"}, {"type", notice.type}, {"key", notice.key}};
  if (notice.repeat_after.count() != 0) body["repeat-after"] = layers::format_duration(notice.repeat_after);
  if (!notice.data.empty()) body["data"] = notice.data;
  return decoded(post("/v1/notices", body), [](const json& result) -> Result<std::string> {
    Decoder in(result);
    std::string id = in.text("id");
    if (!in.fault().empty()) return fail("cannot unmarshal: " + in.fault());
    return id;
  });
}

Result<std::map<std::string, Identity>> Client::identities() {
  return decoded(get("/v1/identities"), decode_identities);
}

Result<void> Client::change_identities(const std::string& action, const std::map<std::string, std::optional<Identity>>& entries) {
  json identities = json::object();
  for (const auto& [name, identity] : entries) {
    json item = nullptr;
    if (identity) {
      item = {{"access", identity->access}};
      if (identity->local_user_id) item["local"] = {{"user-id", *identity->local_user_id}};
      if (identity->basic_password) item["basic"] = {{"password", *identity->basic_password}};
      if (identity->cert_pem) item["cert"] = {{"pem", *identity->cert_pem}};
    }
    identities[name] = std::move(item);
  }
  return without_value(post("/v1/identities", {{"action", action}, {"identities", identities}}));
}

void Client::set_certificate(std::string cert_file, std::string key_file) {
  endpoint_.credentials.cert_file = std::move(cert_file);
  endpoint_.credentials.key_file = std::move(key_file);
  idle_.reset();
}

Result<void> Client::pair() {
  return without_value(post("/v1/pairing", {{"action", "pair"}}));
}

Result<PairingWindow> Client::open_pairing_window(Nanoseconds duration, const std::string& mode) {
  json body = {{"action", "open"}};
  if (duration.count() != 0) body["duration"] = layers::format_duration(duration);
  if (!mode.empty()) body["mode"] = mode;
  return decoded(post("/v1/pairing/window", body), [](const json& result) -> Result<PairingWindow> {
    Decoder in(result);
    PairingWindow window{in.text("fingerprint"), in.text("https-address"), in.time("closes")};
    if (!in.fault().empty()) return fail("cannot unmarshal: " + in.fault());
    return window;
  });
}

Result<void> Client::close_pairing_window() {
  return without_value(post("/v1/pairing/window", {{"action", "close"}}));
}

Result<std::string> Client::look_at_fingerprint() {
  const auto refuse = [&](const Trouble& trouble) { return std::unexpected(communication_error({}, trouble)); };
  const auto fd = dial(endpoint_, handshake_limit);
  if (!fd) return refuse(fd.error());
  Endpoint anybody = endpoint_;
  anybody.credentials = {};
  const auto tls = TlsLayer::start(fd->get(), anybody, handshake_limit);
  if (!tls) return refuse(tls.error());
  return (*tls)->fingerprint();
}

Result<std::vector<FileInfo>> Client::list_files(const std::string& path, const std::string& pattern, bool itself) {
  Query query;
  query.add("action", "list");
  if (itself) query.add("itself", "true");
  query.add("path", path);
  if (!pattern.empty()) query.add("pattern", pattern);
  return decoded(get("/v1/files" + query.text()), decode_files);
}

Result<void> Client::make_directory(const NewPath& directory) {
  json item = {{"path", directory.path}, {"make-parents", directory.make_parents}, {"permissions", directory.permissions}};
  add_owner(item, directory.owner);
  return post_files({{"action", "make-dirs"}, {"dirs", json::array({item})}});
}

Result<void> Client::remove_path(const std::string& path, bool recursive) {
  const json item = {{"path", path}, {"recursive", recursive}};
  return post_files({{"action", "remove"}, {"paths", json::array({item})}});
}

Result<ExecStarted> Client::exec(const ExecRequest& request) {
  json body = {{"command", request.command}};
  if (!request.service_context.empty()) body["service-context"] = request.service_context;
  if (!request.environment.empty()) body["environment"] = request.environment;
  if (!request.working_dir.empty()) body["working-dir"] = request.working_dir;
  if (request.timeout.count() != 0) body["timeout"] = layers::format_duration(request.timeout);
  if (request.user.user_id) body["user-id"] = *request.user.user_id;
  if (!request.user.user.empty()) body["user"] = request.user.user;
  if (request.user.group_id) body["group-id"] = *request.user.group_id;
  if (!request.user.group.empty()) body["group"] = request.user.group;
  if (request.terminal) body["terminal"] = true;
  if (request.interactive) body["interactive"] = true;
  if (request.split_stderr) body["split-stderr"] = true;
  if (request.width > 0) body["width"] = request.width;
  if (request.height > 0) body["height"] = request.height;
  auto envelope = ask_async(json_request("POST", "/v1/exec", dump(body) + "\n"));
  if (!envelope) return std::unexpected(envelope.error());
  Decoder in(envelope->result);
  ExecStarted started{std::move(envelope->change), in.text("task-id")};
  if (!in.fault().empty()) return fail("cannot unmarshal: " + in.fault());
  return started;
}

Result<std::pair<Connection, std::string>> Client::exec_websocket(const std::string& task_id, const std::string& name) {
  Endpoint endpoint = endpoint_;
  endpoint.base_path.clear();
  HttpRequest request;
  request.target = "/v1/tasks/" + task_id + "/websocket/" + name;
  const std::string key = websocket_key();
  request.headers = {
      {"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Key", key}, {"Sec-WebSocket-Version", "13"}};
  auto opened = Connection::open(endpoint, handshake_limit);
  if (!opened) return std::unexpected(communication_error(request, opened.error()));
  Reply reply{{}, std::make_unique<HttpConnection>(std::move(*opened), endpoint)};
  auto head = reply.connection->ask(request, interrupt_fd_);
  if (!head) return std::unexpected(communication_error(request, head.error()));
  if (head->status != 101) {
    const auto body = read_body(reply, request);
    if (body && head->header("Content-Type").starts_with("application/json")) {
      auto envelope = open_envelope(*body);
      if (!envelope) return std::unexpected(envelope.error());
    }
    return fail("websocket: bad handshake, status " + std::to_string(head->status));
  }
  if (head->header("Sec-WebSocket-Accept") != websocket_accept(key)) return fail("websocket: bad handshake");
  return std::move(*reply.connection).take_over();
}

Result<void> Client::logs(const LogQuery& query, const std::function<bool(const LogLine&)>& take) {
  Query words;
  if (query.follow) words.add("follow", "true");
  if (query.n != 0) words.add("n", std::to_string(query.n));
  for (const std::string& service : query.services) words.add("services", service);
  const HttpRequest request = json_request("GET", "/v1/logs" + words.text());
  auto reply = ask(request);
  if (!reply) return std::unexpected(reply.error());
  if (reply->head.status != 200) {
    const auto body = read_body(*reply, request);
    if (!body) return std::unexpected(body.error());
    auto envelope = open_envelope(*body);
    if (!envelope) return std::unexpected(envelope.error());
  }
  std::string lines;
  char buffer[65536];
  for (;;) {
    const auto count = reply->connection->read(buffer, sizeof buffer, interrupt_fd_);
    if (!count && count.error().cause == interrupted_text) return {};
    if (!count) return fail("cannot read log line: " + count.error().cause);
    if (*count == 0) return {};
    lines.append(buffer, *count);
    std::size_t begin = 0;
    for (std::size_t end; (end = lines.find('\n', begin)) != std::string::npos; begin = end + 1) {
      const json value = json::parse(lines.begin() + static_cast<std::ptrdiff_t>(begin),
                                     lines.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
      Decoder in(value);
      const LogLine line{in.time("time").value_or(Time::zero()), in.text("service"), in.text("message")};
      if (!in.fault().empty() || value.is_null())
        return fail("cannot unmarshal log: " + (value.is_discarded() ? std::string("invalid JSON") : in.fault()));
      if (!take(line)) return {};
    }
    lines.erase(0, begin);
    if (lines.size() > body_limit) return fail("cannot read log line: bufio: buffer full");
  }
}

}  // namespace cobble::client
