#include "daemon/base/json.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "daemon/base/json_scanner.h"
#include "daemon/base/json_writer.h"
#include "daemon/base/text.h"

namespace cobble::base {

namespace {

using nlohmann::json;

void dump(std::string& out, const json& value) {
  // Depth is bounded by the scanner for what comes from outside (10,000 levels); an explicit stack keeps the thread's own small.
  struct Level {
    json::const_iterator next;
    json::const_iterator end;
    bool object;
    bool first = true;
  };
  std::vector<Level> levels;
  const json* current = &value;
  while (true) {
    if (current->is_object() || current->is_array()) {
      levels.push_back({current->begin(), current->end(), current->is_object()});
      out += current->is_object() ? '{' : '[';
    } else if (current->is_string()) {
      append_json_string(out, current->get_ref<const std::string&>());
    } else {
      out += current->dump(-1, ' ', false, json::error_handler_t::replace);
    }
    while (!levels.empty() && levels.back().next == levels.back().end) {
      out += levels.back().object ? '}' : ']';
      levels.pop_back();
    }
    if (levels.empty()) return;
    Level& level = levels.back();
    if (!level.first) out += ',';
    level.first = false;
    if (level.object) {
      append_json_string(out, level.next.key());
      out += ':';
    }
    current = &*level.next;
    ++level.next;
  }
}

}  // namespace

std::expected<json, std::string> parse_json(std::string_view text) {
  auto clean = scan_json(text);
  if (!clean) return std::unexpected(std::move(clean.error()));
  json value = json::parse(*clean, nullptr, false);
  if (value.is_discarded()) return std::unexpected(std::string("invalid JSON"));
  return value;
}

std::string_view json_kind(const json& value) {
  if (value.is_string()) return "string";
  if (value.is_number()) return "number";
  if (value.is_boolean()) return "bool";
  if (value.is_array()) return "array";
  if (value.is_object()) return "object";
  return "null";
}

std::string dump_json(const json& value) {
  std::string out;
  dump(out, value);
  return out;
}

JsonFields::JsonFields(const json& value) : value_(value) {
  if (!value.is_object() && !value.is_null())
    error_ = "json: cannot unmarshal " + std::string(json_kind(value)) + " into Go value of type object";
}

const json* JsonFields::find(std::string_view key) const {
  if (!value_.is_object()) return nullptr;
  const json* found = nullptr;
  for (const auto& [name, member] : value_.items()) {
    if (!equal_ignoring_case(name, key)) continue;
    found = &member;
    if (name == key) break;
  }
  return found != nullptr && !found->is_null() ? found : nullptr;
}

void JsonFields::wrong_type(const json& value, std::string_view key, std::string_view type) {
  if (error_) return;
  std::string kind(json_kind(value));
  if (value.is_number() && type == "int") kind += ' ' + dump_json(value);
  error_ = "json: cannot unmarshal " + kind + " into Go struct field ." + std::string(key) + " of type " + std::string(type);
}

void JsonFields::read(std::string_view key, std::string& out) {
  const json* member = find(key);
  if (member == nullptr) return;
  if (!member->is_string()) return wrong_type(*member, key, "string");
  out = member->get_ref<const std::string&>();
}

void JsonFields::read(std::string_view key, bool& out) {
  const json* member = find(key);
  if (member == nullptr) return;
  if (!member->is_boolean()) return wrong_type(*member, key, "bool");
  out = member->get<bool>();
}

void JsonFields::read(std::string_view key, std::optional<std::int64_t>& out) {
  const json* member = find(key);
  if (member == nullptr) return;
  const bool too_big =
      member->is_number_unsigned() && member->get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()};
  if (!member->is_number_integer() || too_big) return wrong_type(*member, key, "int");
  out = member->get<std::int64_t>();
}

void JsonFields::read(std::string_view key, std::int64_t& out) {
  std::optional<std::int64_t> number;
  read(key, number);
  if (number) out = *number;
}

void JsonFields::read(std::string_view key, std::vector<std::string>& out) {
  const json* member = find(key);
  if (member == nullptr) return;
  if (!member->is_array()) return wrong_type(*member, key, "[]string");
  std::vector<std::string> items;
  for (const json& item : *member) {
    if (item.is_string()) {
      items.push_back(item.get_ref<const std::string&>());
    } else if (item.is_null()) {
      items.emplace_back();
    } else {
      return wrong_type(item, key, "string");
    }
  }
  out = std::move(items);
}

void JsonFields::read(std::string_view key, std::map<std::string, std::string>& out) {
  const json* member = find(key);
  if (member == nullptr) return;
  if (!member->is_object()) return wrong_type(*member, key, "map[string]string");
  std::map<std::string, std::string> map;
  for (const auto& [name, item] : member->items()) {
    if (item.is_string()) {
      map[name] = item.get_ref<const std::string&>();
    } else if (item.is_null()) {
      map[name];
    } else {
      return wrong_type(item, key, "string");
    }
  }
  out = std::move(map);
}

}  // namespace cobble::base
