#include "daemon/state/state_document.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "daemon/base/json.h"
#include "daemon/base/json_writer.h"
#include "layers/duration.h"

namespace cobble::state {

namespace {

using nlohmann::json;

/// Reads the members of one object; the first thing that is wrong stays as the error, and later reads change nothing.
class Reader {
 public:
  explicit Reader(std::optional<std::string>& error) : error_(error) {}

  /// The member of that name; nullptr when it is absent, null, or `object` is no object (which is an error unless it is null).
  const json* member(const json& object, std::string_view name) {
    if (error_ || object.is_null()) return nullptr;
    if (!object.is_object()) return fail(object, "value", "object");
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
  }

  void read(const json& object, std::string_view name, std::string& out) {
    const json* value = member(object, name);
    if (value == nullptr) return;
    if (!value->is_string()) return void(fail(*value, name, "string"));
    out = value->get_ref<const std::string&>();
  }
  void read(const json& object, std::string_view name, bool& out) {
    const json* value = member(object, name);
    if (value == nullptr) return;
    if (!value->is_boolean()) return void(fail(*value, name, "bool"));
    out = value->get<bool>();
  }
  void read(const json& object, std::string_view name, std::int64_t& out) {
    const json* value = member(object, name);
    if (value != nullptr) read_int(*value, name, out);
  }
  void read(const json& object, std::string_view name, Nanoseconds& out) {
    std::int64_t count = out.count();
    read(object, name, count);
    out = Nanoseconds(count);
  }
  void read(const json& object, std::string_view name, Status& out) {
    std::int64_t code = static_cast<std::int64_t>(out);
    read(object, name, code);
    if (error_) return;
    if (code < 0 || code > static_cast<std::int64_t>(Status::wait)) {
      error_ = "unknown status " + std::to_string(code);
      return;
    }
    out = static_cast<Status>(code);
  }
  void read(const json& object, std::string_view name, WallTime& out) {
    std::string text;
    read(object, name, text);
    if (error_ || text.empty()) return;
    const auto time = base::parse_time(text);
    if (time) {
      out = *time;
    } else {
      error_ = time.error();
    }
  }
  void read(const json& object, std::string_view name, std::optional<WallTime>& out) {
    if (member(object, name) == nullptr) return;
    WallTime time{};
    read(object, name, time);
    out = time;
  }
  void read(const json& object, std::string_view name, std::vector<std::string>& out) {
    for_each(object, name, [&](const json& item) {
      if (item.is_string()) {
        out.push_back(item.get_ref<const std::string&>());
      } else {
        fail(item, name, "string");
      }
    });
  }
  void read(const json& object, std::string_view name, std::vector<std::int64_t>& out) {
    for_each(object, name, [&](const json& item) {
      std::int64_t number = 0;
      read_int(item, name, number);
      out.push_back(number);
    });
  }
  void read(const json& object, std::string_view name, std::map<std::string, std::string>& out) {
    const json* value = object_member(object, name);
    if (value == nullptr) return;
    for (const auto& [key, text] : value->items()) {
      if (!text.is_string()) return void(fail(text, name, "string"));
      out[key] = text.get_ref<const std::string&>();
    }
  }
  /// Keeps each member as JSON text.
  void read_data(const json& object, std::string_view name, RecordData& out) {
    const json* value = object_member(object, name);
    if (value == nullptr) return;
    for (const auto& [key, item] : value->items()) out[key] = base::dump_json(item);
  }
  void read_raw(const json& object, std::string_view name, std::optional<std::string>& out) {
    if (const json* value = member(object, name)) out = base::dump_json(*value);
  }
  void read_duration(const json& object, std::string_view name, Nanoseconds& out) {
    std::string text;
    read(object, name, text);
    if (error_ || text.empty()) return;
    const auto duration = layers::parse_duration(text);
    if (duration) {
      out = *duration;
    } else {
      error_ = "invalid " + std::string(name) + " duration: " + duration.error();
    }
  }
  const json* object_member(const json& object, std::string_view name) {
    const json* value = member(object, name);
    return value == nullptr || value->is_object() ? value : fail(*value, name, "object");
  }
  template <typename Function>
  void for_each(const json& object, std::string_view name, Function function) {
    const json* value = member(object, name);
    if (value == nullptr) return;
    if (!value->is_array()) return void(fail(*value, name, "array"));
    for (const json& item : *value) function(item);
  }

 private:
  const json* fail(const json& value, std::string_view name, std::string_view type) {
    if (!error_) {
      error_ = "json: cannot unmarshal " + std::string(base::json_kind(value)) + " into Go struct field ." + std::string(name) +
               " of type " + std::string(type);
    }
    return nullptr;
  }
  void read_int(const json& value, std::string_view name, std::int64_t& out) {
    const bool too_big =
        value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    if (!value.is_number_integer() || too_big) return void(fail(value, name, "int"));
    out = value.get<std::int64_t>();
  }

  std::optional<std::string>& error_;
};

ChangeRecord read_change(Reader& reader, const std::string& key, const json& value) {
  ChangeRecord change;
  change.id = key;
  reader.read(value, "id", change.id);
  reader.read(value, "kind", change.kind);
  reader.read(value, "summary", change.summary);
  reader.read(value, "status", change.status);
  reader.read(value, "clean", change.clean);
  reader.read_data(value, "data", change.data);
  reader.read(value, "task-ids", change.task_ids);
  reader.read(value, "spawn-time", change.spawn_time);
  reader.read(value, "ready-time", change.ready_time);
  reader.read(value, "last-recorded-notice-status", change.last_recorded_notice_status);
  return change;
}

TaskRecord read_task(Reader& reader, const std::string& key, const json& value) {
  TaskRecord task;
  task.id = key;
  reader.read(value, "id", task.id);
  reader.read(value, "kind", task.kind);
  reader.read(value, "summary", task.summary);
  reader.read(value, "status", task.status);
  reader.read(value, "waited-status", task.waited_status);
  reader.read(value, "clean", task.clean);
  reader.read_raw(value, "progress", task.progress);
  reader.read_data(value, "data", task.data);
  reader.read(value, "wait-tasks", task.wait_tasks);
  reader.read(value, "halt-tasks", task.halt_tasks);
  reader.read(value, "lanes", task.lanes);
  reader.read(value, "log", task.log);
  reader.read(value, "change", task.change);
  reader.read(value, "spawn-time", task.spawn_time);
  reader.read(value, "ready-time", task.ready_time);
  reader.read(value, "doing-time", task.doing_time);
  reader.read(value, "undoing-time", task.undoing_time);
  reader.read_raw(value, "at-time", task.at_time);
  return task;
}

Notice read_notice(Reader& reader, const json& value) {
  Notice notice;
  std::int64_t user_id = -1;
  reader.read(value, "id", notice.id);
  reader.read(value, "user-id", user_id);
  if (user_id >= 0 && user_id <= std::numeric_limits<std::uint32_t>::max()) notice.user_id = static_cast<std::uint32_t>(user_id);
  reader.read(value, "type", notice.type);
  reader.read(value, "key", notice.key);
  reader.read(value, "first-occurred", notice.first_occurred);
  reader.read(value, "last-occurred", notice.last_occurred);
  reader.read(value, "last-repeated", notice.last_repeated);
  reader.read(value, "occurrences", notice.occurrences);
  reader.read(value, "last-data", notice.last_data);
  reader.read_duration(value, "repeat-after", notice.repeat_after);
  reader.read_duration(value, "expire-after", notice.expire_after);
  return notice;
}

void write_strings(base::JsonWriter& writer, std::string_view name, const std::vector<std::string>& items) {
  if (items.empty()) return;
  writer.key(name);
  writer.begin_array();
  for (const std::string& item : items) writer.value(item);
  writer.end_array();
}

void write_data(base::JsonWriter& writer, const RecordData& data) {
  if (data.empty()) return;
  writer.key("data");
  writer.begin_object();
  for (const auto& [key, text] : data) writer.raw_field(key, text);
  writer.end_object();
}

std::int64_t data_number(const RecordData& data, const char* key) {
  const auto found = data.find(key);
  if (found == data.end()) return 0;
  const auto value = base::parse_json(found->second);
  return value && value->is_number_integer() ? value->get<std::int64_t>() : 0;
}

/// Counters never give out a number that a record has already.
void raise(std::int64_t& counter, std::string_view id) {
  std::int64_t number = 0;
  const auto result = std::from_chars(id.data(), id.data() + id.size(), number);
  if (result.ec == std::errc() && result.ptr == id.data() + id.size() && number > counter &&
      number < std::numeric_limits<std::int64_t>::max()) {
    counter = number;
  }
}

void raise_counters(Document& document) {
  for (const ChangeRecord& change : document.changes) raise(document.counters.change, change.id);
  for (const Notice& notice : document.notices) raise(document.last_notice_id, notice.id);
  for (const TaskRecord& task : document.tasks) {
    raise(document.counters.task, task.id);
    for (const std::int64_t lane : task.lanes) document.counters.lane = std::max(document.counters.lane, lane);
  }
}

}  // namespace

std::expected<Document, std::string> parse_document(std::string_view text) {
  const auto parsed = base::parse_json(text);
  if (!parsed) return std::unexpected(parsed.error());
  std::optional<std::string> error;
  Reader reader(error);
  Document document;
  reader.read_data(*parsed, "data", document.data);
  if (const json* changes = reader.object_member(*parsed, "changes")) {
    for (const auto& [id, change] : changes->items()) document.changes.push_back(read_change(reader, id, change));
  }
  if (const json* tasks = reader.object_member(*parsed, "tasks")) {
    for (const auto& [id, task] : tasks->items()) document.tasks.push_back(read_task(reader, id, task));
  }
  reader.for_each(*parsed, "notices", [&](const json& notice) { document.notices.push_back(read_notice(reader, notice)); });
  reader.read_raw(*parsed, "identities", document.legacy_identities);
  reader.read(*parsed, "last-change-id", document.counters.change);
  reader.read(*parsed, "last-task-id", document.counters.task);
  reader.read(*parsed, "last-lane-id", document.counters.lane);
  reader.read(*parsed, "last-notice-id", document.last_notice_id);
  if (error) return std::unexpected(std::move(*error));
  raise_counters(document);
  return document;
}

std::expected<void, std::string> upgrade_document(Document& document, WallTime now, std::vector<std::string>& log) {
  RecordData& data = document.data;
  const std::int64_t level = data_number(data, "patch-level");
  if (level > patch_level) {
    return std::unexpected("cannot downgrade: software version is too old for the current system state (patch level " +
                           std::to_string(level) + ")");
  }
  for (std::int64_t from = std::max<std::int64_t>(level, 0); from < patch_level; ++from) {
    log.push_back("Patching system state from level " + std::to_string(from) + " to " + std::to_string(from + 1));
  }
  if (level < patch_level && document.legacy_identities) {
    if (data.contains("identities")) {
      log.emplace_back("WARNING: both new and legacy identities found in state file, ignoring legacy");
    } else {
      data["identities"] = *document.legacy_identities;
      log.emplace_back("Loaded legacy identities from state file");
    }
  }
  data["patch-level"] = std::to_string(patch_level);
  data["patch-sublevel"] = "0";
  // Nobody plans a reboot here; what an earlier daemon noted about one is over.
  for (const char* key : {"system-restart-from-boot-id", "daemon-system-restart-at", "daemon-system-restart-tentative"})
    data.erase(key);
  if (!data.contains("start-of-operation-time")) data["start-of-operation-time"] = '"' + base::format_utc(now) + '"';
  return {};
}

void append_change_record(std::string& out, const ChangeRecord& change) {
  base::JsonWriter writer;
  writer.begin_object();
  writer.field("id", change.id);
  writer.field("kind", change.kind);
  writer.field("summary", change.summary);
  writer.field("status", static_cast<int>(change.status));
  if (change.clean) writer.field("clean", true);
  write_data(writer, change.data);
  write_strings(writer, "task-ids", change.task_ids);
  writer.field("spawn-time", base::format_utc(change.spawn_time));
  if (change.ready_time) writer.field("ready-time", base::format_utc(*change.ready_time));
  if (change.last_recorded_notice_status != Status::unset) {
    writer.field("last-recorded-notice-status", static_cast<int>(change.last_recorded_notice_status));
  }
  writer.end_object();
  out += writer.text();
}

void append_task_record(std::string& out, const TaskRecord& task) {
  base::JsonWriter writer;
  writer.begin_object();
  writer.field("id", task.id);
  writer.field("kind", task.kind);
  writer.field("summary", task.summary);
  writer.field("status", static_cast<int>(task.status));
  writer.field("waited-status", static_cast<int>(task.waited_status));
  if (task.clean) writer.field("clean", true);
  if (task.progress) writer.raw_field("progress", *task.progress);
  write_data(writer, task.data);
  write_strings(writer, "wait-tasks", task.wait_tasks);
  write_strings(writer, "halt-tasks", task.halt_tasks);
  if (!task.lanes.empty()) {
    writer.key("lanes");
    writer.begin_array();
    for (const std::int64_t lane : task.lanes) writer.value(lane);
    writer.end_array();
  }
  write_strings(writer, "log", task.log);
  writer.field("change", task.change);
  writer.field("spawn-time", base::format_utc(task.spawn_time));
  if (task.ready_time) writer.field("ready-time", base::format_utc(*task.ready_time));
  if (task.doing_time != Nanoseconds(0)) writer.field("doing-time", task.doing_time.count());
  if (task.undoing_time != Nanoseconds(0)) writer.field("undoing-time", task.undoing_time.count());
  if (task.at_time) writer.raw_field("at-time", *task.at_time);
  writer.end_object();
  out += writer.text();
}

}  // namespace cobble::state
