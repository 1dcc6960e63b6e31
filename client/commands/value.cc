#include "client/commands/value.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "layers/duration.h"

namespace cobble::client {
namespace {

using nlohmann::json;

/// Builds the fields of an object.
class FieldList {
 public:
  FieldList& add(std::string key, Value value) {
    fields_.emplace_back(std::move(key), std::move(value));
    return *this;
  }
  FieldList& add_text(std::string key, const std::string& text) { return text.empty() ? *this : add(std::move(key), text); }
  template <class T>
  FieldList& add_if(std::string key, const std::optional<T>& value) {
    return value ? add(std::move(key), *value) : *this;
  }
  FieldList& add_duration(std::string key, Nanoseconds duration) {
    return duration.count() == 0 ? *this : add(std::move(key), layers::format_duration(duration));
  }
  operator Value() const { return Value(fields_); }

 private:
  Value::Fields fields_;
};

Value progress_value(const Progress& progress) {
  return FieldList().add("label", progress.label).add("done", progress.done).add("total", progress.total);
}

Value task_value(const Task& task) {
  FieldList fields;
  fields.add("id", task.id).add("kind", task.kind).add("summary", task.summary).add("status", task.status);
  if (!task.log.empty()) fields.add("log", task.log);
  fields.add("progress", progress_value(task.progress)).add("spawn-time", task.spawn_time).add_if("ready-time", task.ready_time);
  if (!task.data.empty()) fields.add("data", parse_json_value(task.data));
  return fields;
}

constexpr int depth_limit = 100;

Value from_json(const json& value, int depth) {
  if (depth > depth_limit) return {};
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return Value::Number{value.dump()};
  if (value.is_array()) {
    Value::List items;
    for (const json& item : value) items.push_back(from_json(item, depth + 1));
    return items;
  }
  if (value.is_object()) {
    Value::Map map;
    for (const auto& [key, item] : value.items()) map.entries.emplace_back(key, from_json(item, depth + 1));
    return map;
  }
  return {};
}

std::string json_string(std::string_view text, bool html_safe) {
  const std::string plain = json(text).dump(-1, ' ', false, json::error_handler_t::replace);
  std::string escaped;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const char c = plain[i];
    if (html_safe && (c == '<' || c == '>' || c == '&')) {
      escaped += c == '<' ? "\\u003c" : c == '>' ? "\\u003e" : "\\u0026";
    } else if (plain.compare(i, 2, "\xE2\x80") == 0 && i + 2 < plain.size() &&
               (plain[i + 2] == '\xA8' || plain[i + 2] == '\xA9')) {
      escaped += plain[i + 2] == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      escaped += c;
    }
  }
  return escaped;
}

/// Writes a tree as JSON.
class JsonWriter {
 public:
  explicit JsonWriter(bool html_safe) : html_safe_(html_safe) {}

  void write(const Value& value) { std::visit(*this, value.data()); }
  void operator()(std::monostate) { text_ += "null"; }
  void operator()(bool value) { text_ += value ? "true" : "false"; }
  void operator()(const std::string& value) { text_ += json_string(value, html_safe_); }
  void operator()(const Value::Moment& value) { text_ += json_string(value.text, html_safe_); }
  void operator()(const Value::Number& value) { text_ += value.text; }
  void operator()(const Value::List& items) {
    text_ += '[';
    for (const Value& item : items) {
      if (&item != &items.front()) text_ += ',';
      write(item);
    }
    text_ += ']';
  }
  void operator()(const Value::Fields& fields) {
    text_ += '{';
    for (const auto& field : fields) {
      if (&field != &fields.front()) text_ += ',';
      text_ += json_string(field.first, html_safe_) + ':';
      write(field.second);
    }
    text_ += '}';
  }
  void operator()(const Value::Map& map) {
    Value::Fields sorted = map.entries;
    std::ranges::sort(sorted, {}, &std::pair<std::string, Value>::first);
    (*this)(sorted);
  }
  std::string take() { return std::move(text_); }

 private:
  bool html_safe_;
  std::string text_;
};

}  // namespace

Value::Value(const Names& names) {
  List items;
  for (const std::string& name : names) items.emplace_back(name);
  data_ = std::move(items);
}

Value to_value(const Change& change) {
  FieldList fields;
  fields.add("id", change.id).add("kind", change.kind).add("summary", change.summary).add("status", change.status);
  if (!change.tasks.empty()) {
    Value::List tasks;
    for (const Task& task : change.tasks) tasks.push_back(task_value(task));
    fields.add("tasks", std::move(tasks));
  }
  fields.add("ready", change.ready).add_text("err", change.err);
  fields.add("spawn-time", change.spawn_time).add_if("ready-time", change.ready_time);
  return fields;
}

Value to_value(const LogLine& line) {
  return Value::Fields{{"time", line.time}, {"service", line.service}, {"message", line.message}};
}

Value to_value(const ServiceInfo& service, bool in_detail) {
  FieldList fields;
  fields.add("name", service.name).add("startup", service.startup).add("current", service.current);
  if (service.current_since && !service.current_since->is_zero()) fields.add("current-since", *service.current_since);
  if (in_detail) {
    const ServiceDetails& told = service.details;
    FieldList details;
    details.add_if("pid", told.pid).add_if("restarts", told.restarts).add_if("last-exit-code", told.last_exit_code);
    details.add_if("next-restart", told.next_restart).add_text("last-error", told.last_error);
    details.add_if("cpu-ms", told.cpu_ms).add_if("memory-bytes", told.memory_bytes);
    fields.add("details", std::move(details));
  }
  return fields;
}

Value to_value(const CheckInfo& check, const std::string& error, const std::string& logs) {
  FieldList fields;
  fields.add("name", check.name).add_text("level", check.level).add("startup", check.startup).add("status", check.status);
  fields.add_if("successes", check.successes).add("failures", check.failures).add("threshold", check.threshold);
  fields.add_text("change-id", check.change_id).add_text("prev-change-id", check.prev_change_id);
  return fields.add_text("error", error).add_text("logs", logs);
}

Value to_value(const Notice& notice) {
  FieldList fields;
  fields.add("id", notice.id).add("user-id", notice.user_id ? Value(*notice.user_id) : Value());
  fields.add("type", notice.type).add("key", notice.key).add("first-occurred", notice.first_occurred);
  fields.add("last-occurred", notice.last_occurred)
      .add("last-repeated", notice.last_repeated)
      .add("occurrences", notice.occurrences);
  if (!notice.last_data.empty()) {
    Value::Map data;
    for (const auto& [key, text] : notice.last_data) data.entries.emplace_back(key, text);
    fields.add("last-data", std::move(data));
  }
  return fields.add_duration("repeat-after", notice.repeat_after).add_duration("expire-after", notice.expire_after);
}

Value to_value(const Identity& identity) {
  FieldList fields;
  fields.add("access", identity.access);
  if (identity.local_user_id) fields.add("local", FieldList().add("user-id", *identity.local_user_id));
  if (identity.basic_password) fields.add("basic", FieldList().add("password", *identity.basic_password));
  if (identity.cert_pem) fields.add("cert", FieldList().add("pem", *identity.cert_pem));
  return fields;
}

Value to_value(const FileInfo& file) {
  FieldList fields;
  fields.add("path", file.path).add("name", file.name).add("type", file.type);
  if (file.type == "file") fields.add("size", file.size.value_or(0));
  fields.add("permissions", file.permissions).add("last-modified", format_time(file.last_modified));
  fields.add_if("user-id", file.user_id).add_text("user", file.user);
  return fields.add_if("group-id", file.group_id).add_text("group", file.group);
}

Value parse_json_value(std::string_view text) {
  const json value = json::parse(text, nullptr, false);
  return value.is_discarded() ? Value() : from_json(value, 0);
}

std::string to_json(const Value& value, bool html_safe) {
  JsonWriter writer(html_safe);
  writer.write(value);
  return writer.take();
}

}  // namespace cobble::client
