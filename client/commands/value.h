#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "client/api/client.h"

namespace cobble::client {

/// What `--format=json` and `--format=yaml` print: a tree whose objects keep the order of their fields (contract 10,
/// section 2.10).
class Value {
 public:
  using List = std::vector<Value>;
  using Fields = std::vector<std::pair<std::string, Value>>;
  /// A time: a string in JSON, plain text in YAML.
  struct Moment {
    std::string text;
  };
  /// A number that is printed as it was received.
  struct Number {
    std::string text;
  };
  /// An object whose keys are names, not fields: sorted by bytes in JSON, by numbers in YAML.
  struct Map {
    Fields entries;
  };

  Value() = default;
  Value(bool value) : data_(value) {}
  Value(std::int64_t value) : data_(Number{std::to_string(value)}) {}
  Value(std::string value) : data_(std::move(value)) {}
  Value(std::string_view value) : data_(std::string(value)) {}
  Value(const char* value) : data_(std::string(value)) {}
  Value(const Time& time) : data_(Moment{format_time(time)}) {}
  Value(Number value) : data_(std::move(value)) {}
  Value(List value) : data_(std::move(value)) {}
  Value(Fields value) : data_(std::move(value)) {}
  Value(Map value) : data_(std::move(value)) {}
  Value(const Names& names);

  const auto& data() const { return data_; }

 private:
  std::variant<std::monostate, bool, std::string, Moment, Number, List, Fields, Map> data_;
};

/// Objects of the API as trees, with the fields of contract 10, section 2.10.
Value to_value(const Change& change);
/// `in_detail`: with what this project's server tells beyond the contract, under `details`.
Value to_value(const ServiceInfo& service, bool in_detail = false);
Value to_value(const LogLine& line);
Value to_value(const Notice& notice);
Value to_value(const Identity& identity);
Value to_value(const FileInfo& file);
/// `error` and `logs` are left out when empty.
Value to_value(const CheckInfo& check, const std::string& error = {}, const std::string& logs = {});

/// A JSON text as a tree; null if it is none.
Value parse_json_value(std::string_view text);

/// One line of JSON without blanks; `<`, `>` and `&` are escaped unless `html_safe` is false.
std::string to_json(const Value& value, bool html_safe = true);

/// YAML in the style of the plan (contract 01, section 3.4), with a line end.
std::string to_yaml(const Value& value);

}  // namespace cobble::client
