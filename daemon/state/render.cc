#include "daemon/state/render.h"

#include "daemon/base/json_writer.h"
#include "layers/duration.h"

namespace cobble::state {

namespace {

constexpr std::string_view api_data_key = "api-data";

void write_api_data(base::JsonWriter& writer, const RecordData& data) {
  const auto found = data.find(std::string(api_data_key));
  if (found != data.end()) writer.raw_field("data", found->second);
}

void write_progress(base::JsonWriter& writer, const TaskRecord& task) {
  if (task.progress) {
    writer.raw_field("progress", *task.progress);
    return;
  }
  const bool begun = task.status != Status::todo && task.status != Status::unset;
  writer.raw_field("progress", begun ? R"({"label":"","done":1,"total":1})" : R"({"label":"","done":0,"total":1})");
}

}  // namespace

std::string notice_json(const Notice& notice) {
  base::JsonWriter writer;
  writer.begin_object();
  writer.field("id", notice.id);
  if (notice.user_id) {
    writer.field("user-id", *notice.user_id);
  } else {
    writer.null_field("user-id");
  }
  writer.field("type", notice.type);
  writer.field("key", notice.key);
  writer.field("first-occurred", base::format_utc(notice.first_occurred));
  writer.field("last-occurred", base::format_utc(notice.last_occurred));
  writer.field("last-repeated", base::format_utc(notice.last_repeated));
  writer.field("occurrences", notice.occurrences);
  if (!notice.last_data.empty()) writer.field("last-data", notice.last_data);
  if (notice.repeat_after != Nanoseconds(0)) writer.field("repeat-after", layers::format_duration(notice.repeat_after));
  if (notice.expire_after != Nanoseconds(0)) writer.field("expire-after", layers::format_duration(notice.expire_after));
  writer.end_object();
  return writer.take();
}

std::string task_json(const TaskRecord& task) {
  base::JsonWriter writer;
  writer.begin_object();
  writer.field("id", task.id);
  writer.field("kind", task.kind);
  writer.field("summary", task.summary);
  writer.field("status", status_text(task.status));
  if (!task.log.empty()) {
    writer.key("log");
    writer.begin_array();
    for (const std::string& line : task.log) writer.value(line);
    writer.end_array();
  }
  write_progress(writer, task);
  writer.field("spawn-time", base::format_local(task.spawn_time));
  if (task.ready_time) writer.field("ready-time", base::format_local(*task.ready_time));
  write_api_data(writer, task.data);
  writer.end_object();
  return writer.take();
}

std::string change_json(const Engine& engine, const ChangeRecord& change) {
  const Status status = engine.change_status(change);
  base::JsonWriter writer;
  writer.begin_object();
  writer.field("id", change.id);
  writer.field("kind", change.kind);
  writer.field("summary", change.summary);
  writer.field("status", status_text(status));
  if (!change.task_ids.empty()) {
    writer.key("tasks");
    writer.begin_array();
    for (const std::string& id : change.task_ids) {
      const TaskRecord* task = engine.find_task(id);
      if (task != nullptr) writer.raw(task_json(*task));
    }
    writer.end_array();
  }
  writer.field("ready", is_ready(status));
  if (status == Status::error) writer.field("err", engine.change_error(change));
  writer.field("spawn-time", base::format_local(change.spawn_time));
  if (change.ready_time) writer.field("ready-time", base::format_local(*change.ready_time));
  write_api_data(writer, change.data);
  writer.end_object();
  return writer.take();
}

}  // namespace cobble::state
