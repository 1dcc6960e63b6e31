#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Reading JSON from outside, with the leniencies that clients of the reference rely on (contract 03, section 2.6): only the
/// first value counts, keys match in any case, the last duplicate wins, `null` leaves a field as it was, invalid UTF-8 is
/// repaired, nesting is bounded at 10,000. Includers that look inside a value include <nlohmann/json.hpp> themselves.
namespace cobble::base {

/// Parses the first JSON value of `text`. The error is the reference's reason: `EOF`, `unexpected EOF`,
/// `invalid character 'g' looking for beginning of value` …
std::expected<nlohmann::json, std::string> parse_json(std::string_view text);

/// Reads the fields of one JSON object into typed values. Errors of type are collected: the first one is what `error()` gives
/// (`json: cannot unmarshal number into Go struct field .action of type string`).
///
///     JsonFields fields(value);
///     fields.read("action", action); fields.read("services", names);
///     if (fields.error()) …
class JsonFields {
 public:
  /// `value` must outlive this object. A null value counts as an object without fields; any other non-object is an error.
  explicit JsonFields(const nlohmann::json& value);

  void read(std::string_view key, std::string& out);
  void read(std::string_view key, bool& out);
  void read(std::string_view key, std::int64_t& out);
  void read(std::string_view key, std::optional<std::int64_t>& out);
  void read(std::string_view key, std::vector<std::string>& out);
  void read(std::string_view key, std::map<std::string, std::string>& out);
  /// The value under a key in any case (the last one wins); nullptr when absent or null.
  const nlohmann::json* find(std::string_view key) const;

  const std::optional<std::string>& error() const { return error_; }

 private:
  void wrong_type(const nlohmann::json& value, std::string_view key, std::string_view type);

  const nlohmann::json& value_;
  std::optional<std::string> error_;
};

/// `string`, `number`, `bool`, `array`, `object` or `null`, as the texts of type errors name them.
std::string_view json_kind(const nlohmann::json& value);

/// Any value as text with the escapes of contract 03 section 2.8, object keys in byte order; safe on deep and on invalid input.
std::string dump_json(const nlohmann::json& value);

}  // namespace cobble::base
