#include "client/api/decode.h"

#include <nlohmann/json.hpp>

#include "layers/duration.h"

namespace cobble::client {
namespace {

using nlohmann::json;

const json null_value = nullptr;

std::unexpected<Error> cannot(std::string_view why) {
  return fail("cannot unmarshal: " + std::string(why));
}

std::string kind_of(const json& value) {
  return value.type_name();
}

/// Reads each item of a list by `read`; null counts as an empty list.
template <class T, class Read>
Result<std::vector<T>> decode_list(const json& value, Read read) {
  std::vector<T> items;
  if (value.is_null()) return items;
  if (!value.is_array()) return cannot("json: cannot unmarshal " + kind_of(value) + " into a list");
  items.reserve(value.size());
  for (const json& item : value) {
    Result<T> decoded = read(item);
    if (!decoded) return std::unexpected(decoded.error());
    items.push_back(std::move(*decoded));
  }
  return items;
}

template <class T>
Result<T> checked(T value, const Decoder& decoder) {
  if (!decoder.fault().empty()) return cannot(decoder.fault());
  return value;
}

Result<Task> decode_task(const json& value) {
  Decoder in(value);
  Task task;
  task.id = in.text("id");
  task.kind = in.text("kind");
  task.summary = in.text("summary");
  task.status = in.text("status");
  task.log = in.names("log");
  Decoder progress(in.at("progress"));
  task.progress = {progress.text("label"), progress.integer("done"), progress.integer("total")};
  in.note(progress.fault());
  task.spawn_time = in.time("spawn-time").value_or(Time::zero());
  task.ready_time = in.time("ready-time");
  const json& data = in.at("data");
  if (data.is_object() && !data.empty()) {
    task.data = data.dump(-1, ' ', false, json::error_handler_t::replace);
    Decoder fields(data);
    task.exit_code = fields.maybe_integer("exit-code");
  }
  return checked(std::move(task), in);
}

Result<CheckInfo> decode_check(const json& value) {
  Decoder in(value);
  CheckInfo check;
  check.name = in.text("name");
  check.level = in.text("level");
  check.startup = in.text("startup");
  check.status = in.text("status");
  check.successes = in.maybe_integer("successes");
  check.failures = in.integer("failures");
  check.threshold = in.integer("threshold");
  check.change_id = in.text("change-id");
  check.prev_change_id = in.text("prev-change-id");
  check.last_error = Decoder(in.at("details")).text("last-error");
  return checked(std::move(check), in);
}

Result<ServiceInfo> decode_service(const json& value) {
  Decoder in(value);
  ServiceInfo service;
  service.name = in.text("name");
  service.startup = in.text("startup");
  service.current = in.text("current");
  service.current_since = in.time("current-since");
  Decoder details(in.at("details"));
  service.details = {
      details.maybe_integer("pid"),         details.maybe_integer("restarts"), details.maybe_integer("last-exit-code"),
      details.time("next-restart"),         details.text("last-error"),        details.maybe_integer("cpu-ms"),
      details.maybe_integer("memory-bytes")};
  return checked(std::move(service), in);
}

Result<FileInfo> decode_file(const json& value) {
  Decoder in(value);
  FileInfo file;
  file.path = in.text("path");
  file.name = in.text("name");
  file.type = in.text("type");
  file.size = in.maybe_integer("size");
  file.permissions = in.text("permissions");
  file.last_modified = in.time("last-modified").value_or(Time::zero());
  file.user_id = in.maybe_integer("user-id");
  file.user = in.text("user");
  file.group_id = in.maybe_integer("group-id");
  file.group = in.text("group");
  return checked(std::move(file), in);
}

Result<Identity> decode_identity(const json& value) {
  Decoder in(value);
  Identity identity;
  identity.access = in.text("access");
  if (const json& local = in.at("local"); !local.is_null()) {
    Decoder fields(local);
    identity.local_user_id = fields.integer("user-id");
    in.note(fields.fault());
  }
  if (const json& basic = in.at("basic"); !basic.is_null()) {
    Decoder fields(basic);
    identity.basic_password = fields.text("password");
    in.note(fields.fault());
  }
  if (const json& cert = in.at("cert"); !cert.is_null()) {
    Decoder fields(cert);
    identity.cert_pem = fields.text("pem");
    in.note(fields.fault());
  }
  return checked(std::move(identity), in);
}

Result<ReplanStep> decode_replan_step(const json& value) {
  Decoder in(value);
  return checked(ReplanStep{in.text("name"), in.text("action"), in.text("reason"), in.names("keys"), in.names("services")}, in);
}

Result<std::string> decode_name(const json& value) {
  Decoder in(value);
  return checked(in.text("name"), in);
}

}  // namespace

Decoder::Decoder(const json& value) : object_(&value) {
  if (!value.is_object() && !value.is_null()) fault_ = "json: cannot unmarshal " + kind_of(value) + " into an object";
}

const json& Decoder::at(const char* key) const {
  if (!object_->is_object()) return null_value;
  const auto found = object_->find(key);
  return found == object_->end() ? null_value : *found;
}

void Decoder::wrong(const char* key, const char* wanted) {
  note("json: cannot unmarshal " + kind_of(at(key)) + " into field " + key + " of type " + wanted);
}

std::string Decoder::text(const char* key) {
  const json& value = at(key);
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_null()) wrong(key, "string");
  return {};
}

std::optional<std::int64_t> Decoder::maybe_integer(const char* key) {
  const json& value = at(key);
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_null()) wrong(key, "int");
  return std::nullopt;
}

std::int64_t Decoder::integer(const char* key) {
  return maybe_integer(key).value_or(0);
}

bool Decoder::boolean(const char* key) {
  const json& value = at(key);
  if (value.is_boolean()) return value.get<bool>();
  if (!value.is_null()) wrong(key, "bool");
  return false;
}

std::optional<Time> Decoder::time(const char* key) {
  const json& value = at(key);
  if (value.is_null()) return std::nullopt;
  std::optional<Time> time;
  if (value.is_string()) time = parse_time(value.get_ref<const std::string&>());
  if (!time) wrong(key, "time");
  return time;
}

Nanoseconds Decoder::duration(const char* key) {
  const std::string words = text(key);
  return layers::parse_duration(words).value_or(layers::Nanoseconds(0));
}

Names Decoder::names(const char* key) {
  auto decoded = decode_names(at(key));
  if (decoded) return std::move(*decoded);
  wrong(key, "[]string");
  return {};
}

std::map<std::string, std::string> Decoder::text_map(const char* key) {
  std::map<std::string, std::string> entries;
  const json& value = at(key);
  if (value.is_null()) return entries;
  if (!value.is_object()) {
    wrong(key, "map[string]string");
    return entries;
  }
  for (const auto& [name, item] : value.items()) {
    if (!item.is_string() && !item.is_null()) wrong(key, "map[string]string");
    entries[name] = item.is_string() ? item.get<std::string>() : std::string();
  }
  return entries;
}

Result<std::string> decode_text(const json& value) {
  if (value.is_null()) return std::string();
  if (!value.is_string()) return cannot("json: cannot unmarshal " + kind_of(value) + " into a string");
  return value.get<std::string>();
}

Result<Names> decode_names(const json& value) {
  return decode_list<std::string>(value, decode_text);
}

Result<Change> decode_change(const json& value) {
  Decoder in(value);
  Change change;
  change.id = in.text("id");
  change.kind = in.text("kind");
  change.summary = in.text("summary");
  change.status = in.text("status");
  change.ready = in.boolean("ready");
  change.err = in.text("err");
  change.spawn_time = in.time("spawn-time").value_or(Time::zero());
  change.ready_time = in.time("ready-time");
  auto tasks = decode_list<Task>(in.at("tasks"), decode_task);
  if (!tasks) return std::unexpected(tasks.error());
  change.tasks = std::move(*tasks);
  return checked(std::move(change), in);
}

Result<std::vector<Change>> decode_changes(const json& value) {
  return decode_list<Change>(value, decode_change);
}
Result<std::vector<ServiceInfo>> decode_services(const json& value) {
  return decode_list<ServiceInfo>(value, decode_service);
}
Result<ReplanPreview> decode_replan(const json& value) {
  Decoder in(value);
  auto services = decode_list<ReplanStep>(in.at("services"), decode_replan_step);
  if (!services) return std::unexpected(services.error());
  auto checks = decode_list<std::string>(in.at("checks"), decode_name);
  if (!checks) return std::unexpected(checks.error());
  return checked(ReplanPreview{std::move(*services), std::move(*checks)}, in);
}
Result<std::vector<CheckInfo>> decode_checks(const json& value) {
  return decode_list<CheckInfo>(value, decode_check);
}
Result<std::vector<Notice>> decode_notices(const json& value) {
  return decode_list<Notice>(value, decode_notice);
}
Result<std::vector<FileInfo>> decode_files(const json& value) {
  return decode_list<FileInfo>(value, decode_file);
}

Result<RefreshedCheck> decode_refreshed_check(const json& value) {
  Decoder in(value);
  RefreshedCheck refreshed;
  refreshed.error = in.text("error");
  auto info = decode_check(in.at("info"));
  if (!info) return std::unexpected(info.error());
  refreshed.info = std::move(*info);
  return checked(std::move(refreshed), in);
}

Result<Notice> decode_notice(const json& value) {
  Decoder in(value);
  Notice notice;
  notice.id = in.text("id");
  notice.user_id = in.maybe_integer("user-id");
  notice.type = in.text("type");
  notice.key = in.text("key");
  notice.first_occurred = in.time("first-occurred").value_or(Time::zero());
  notice.last_occurred = in.time("last-occurred").value_or(Time::zero());
  notice.last_repeated = in.time("last-repeated").value_or(Time::zero());
  notice.occurrences = in.integer("occurrences");
  notice.last_data = in.text_map("last-data");
  notice.repeat_after = in.duration("repeat-after");
  notice.expire_after = in.duration("expire-after");
  return checked(std::move(notice), in);
}

Result<std::map<std::string, Identity>> decode_identities(const json& value) {
  std::map<std::string, Identity> identities;
  if (value.is_null()) return identities;
  if (!value.is_object()) return cannot("json: cannot unmarshal " + kind_of(value) + " into an object");
  for (const auto& [name, item] : value.items()) {
    auto identity = decode_identity(item);
    if (!identity) return std::unexpected(identity.error());
    identities[name] = std::move(*identity);
  }
  return identities;
}

}  // namespace cobble::client
