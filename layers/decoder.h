#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layers/plan.h"
#include "layers/yaml_tree.h"

namespace cobble::layers {

/// Turns nodes into typed values and collects what doesn't fit, in document order (contract 01, section 2.1 "Form of decode
/// errors"). One for a section.
class Decoder {
 public:
  /// A mapping's pairs with merge keys (`<<`) resolved and null keys dropped; keys are texts.
  using Fields = std::vector<std::pair<std::string, const YamlNode*>>;

  /// None when `node` is no mapping, which is then an error of `type`.
  std::optional<Fields> fields(const YamlNode& node, std::string_view type);
  void unknown_field(const YamlNode& node, std::string_view name, std::string_view type);

  void read(const YamlNode& node, std::string& out, std::string_view type = "string");
  void read(const YamlNode& node, StringMap& out, std::string_view type = "map[string]string",
            std::string_view value_type = "string");
  void read(const YamlNode& node, std::optional<StringMap>& out);
  void read(const YamlNode& node, std::vector<std::string>& out);
  void read(const YamlNode& node, std::int64_t& out);
  void read(const YamlNode& node, std::optional<std::int64_t>& out);
  void read(const YamlNode& node, std::optional<Nanoseconds>& out);
  void read(const YamlNode& node, std::optional<double>& out);

  /// Something that doesn't fit, with the place of the value.
  struct Problem {
    int line = 0;
    int column = 0;
    std::string text;
  };
  /// All that was found, but for what ends everything.
  const std::vector<Problem>& problems() const { return problems_; }

  /// `invalid duration "1d"`, which ends everything; else `yaml: unmarshal errors:` with all errors; empty when all was well.
  std::string error() const;

 private:
  void wrong_type(const YamlNode& node, std::string_view type);
  void add_problem(const YamlNode& node, std::string text);
  bool spend(std::size_t bytes);
  void collect(const YamlNode& node, Fields& fields, std::string_view type, int depth);
  void collect_merged(const YamlNode& value, Fields& fields, std::string_view type, int depth);

  std::vector<Problem> problems_;
  std::string fatal_;
  std::uint64_t spent_ = 0;
};

}  // namespace cobble::layers
