#include "layers/decoder.h"

#include <cmath>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "layers/base64.h"
#include "layers/duration.h"
#include "layers/number.h"
#include "layers/quote.h"
#include "layers/scalar.h"

namespace cobble::layers {

namespace {

/// Bytes read in a section, those behind aliases each time: far above any real layer, far below what an alias bomb wants.
constexpr std::uint64_t read_limit = 64U << 20;
/// What a node counts besides its text.
constexpr std::uint64_t node_cost = 16;
/// Merge keys that lead to mappings with merge keys, and so on.
constexpr int merge_depth_limit = 100;
/// Errors that are told of one section.
constexpr std::size_t error_limit = 100;

bool is_null(const YamlNode& node) {
  return resolve(node).type == ScalarType::null && node.kind != YamlNode::Kind::sequence && node.kind != YamlNode::Kind::mapping;
}

bool is_scalar(const YamlNode& node) {
  return node.kind == YamlNode::Kind::scalar || node.kind == YamlNode::Kind::null;
}

/// The text of a scalar; `!!binary` is decoded.
std::string text_of(const YamlNode& node) {
  if (resolve(node).type == ScalarType::binary) return decode_base64(node.text, " \t\r\n").value_or(node.text);
  return node.text;
}

/// The value as messages show it: at most ten bytes.
std::string shown(std::string_view text) {
  return text.size() > 10 ? std::string(text.substr(0, 7)) + "..." : std::string(text);
}

}  // namespace

void Decoder::add_problem(const YamlNode& node, std::string text) {
  if (problems_.size() < error_limit) problems_.push_back({node.line, node.column, std::move(text)});
}

bool Decoder::spend(std::size_t bytes) {
  spent_ += node_cost + bytes;
  if (spent_ <= read_limit) return true;
  if (fatal_.empty()) fatal_ = "yaml: document contains excessive aliasing";
  return false;
}

void Decoder::wrong_type(const YamlNode& node, std::string_view type) {
  std::string text = "cannot unmarshal " + std::string(short_tag(node));
  if (node.kind == YamlNode::Kind::scalar) text += " `" + shown(node.text) + "`";
  add_problem(node, text + " into " + std::string(type));
}

void Decoder::unknown_field(const YamlNode& node, std::string_view name, std::string_view type) {
  add_problem(node, "field " + std::string(name) + " not found in type " + std::string(type));
}

std::optional<Decoder::Fields> Decoder::fields(const YamlNode& node, std::string_view type) {
  if (node.kind != YamlNode::Kind::mapping) {
    if (!is_null(node)) wrong_type(node, type);
    return std::nullopt;
  }
  Fields fields;
  collect(node, fields, type, 0);
  return fields;
}

void Decoder::collect(const YamlNode& node, Fields& fields, std::string_view type, int depth) {
  std::unordered_map<std::string, int> lines;
  std::unordered_set<std::string> known;
  for (const auto& [name, value] : fields) known.insert(name);
  std::vector<const YamlNode*> merges;
  for (const auto& [key, value] : node.pairs) {
    if (!spend(key->text.size())) return;
    if (!is_scalar(*key)) {
      wrong_type(*key, "string");
      continue;
    }
    if (!key->quoted && key->text == "<<" && key->tag.empty()) {
      merges.push_back(value);
      continue;
    }
    if (is_null(*key)) continue;
    std::string name = text_of(*key);
    if (const auto [place, fresh] = lines.emplace(name, key->line); !fresh) {
      add_problem(*key, "mapping key " + quote(name) + " already defined at line " + std::to_string(place->second));
      continue;
    }
    if (known.insert(name).second) fields.emplace_back(std::move(name), value);
  }
  // Explicit keys win wherever they stand; among merged mappings the earlier one wins.
  for (const YamlNode* merge : merges) collect_merged(*merge, fields, type, depth);
}

void Decoder::collect_merged(const YamlNode& value, Fields& fields, std::string_view type, int depth) {
  const auto refuse = [&] {
    if (fatal_.empty()) fatal_ = "yaml: map merge requires map or sequence of maps as the value";
  };
  if (depth >= merge_depth_limit) {
    if (fatal_.empty()) fatal_ = "yaml: document contains excessive aliasing";
    return;
  }
  if (value.kind == YamlNode::Kind::mapping) return collect(value, fields, type, depth + 1);
  if (value.kind != YamlNode::Kind::sequence) return refuse();
  for (const YamlNode* item : value.items) {
    if (!spend(0)) return;
    if (item->kind != YamlNode::Kind::mapping) return refuse();
    collect(*item, fields, type, depth + 1);
  }
}

void Decoder::read(const YamlNode& node, std::string& out, std::string_view type) {
  if (!spend(node.text.size())) return;
  if (!is_scalar(node)) return wrong_type(node, type);
  out = is_null(node) ? "" : text_of(node);
}

void Decoder::read(const YamlNode& node, StringMap& out, std::string_view type, std::string_view value_type) {
  const auto pairs = fields(node, type);
  if (!pairs) return;
  for (const auto& [name, value] : *pairs) read(*value, out[name], value_type);
}

void Decoder::read(const YamlNode& node, std::optional<StringMap>& out) {
  if (is_null(node)) return;
  StringMap map;
  read(node, map);
  out = std::move(map);
}

void Decoder::read(const YamlNode& node, std::vector<std::string>& out) {
  if (is_null(node)) return;
  if (node.kind != YamlNode::Kind::sequence) return wrong_type(node, "[]string");
  for (const YamlNode* item : node.items) {
    if (!spend(0)) return;
    if (is_null(*item)) continue;
    std::string text;
    read(*item, text);
    out.push_back(std::move(text));
  }
}

void Decoder::read(const YamlNode& node, std::optional<std::int64_t>& out) {
  if (!spend(node.text.size()) || is_null(node)) return;
  if (!is_scalar(node)) return wrong_type(node, "int");
  const Scalar scalar = resolve(node);
  constexpr double limit = 9223372036854775808.0;
  if (scalar.type == ScalarType::integer) {
    out = scalar.integer;
  } else if (scalar.type == ScalarType::real && std::isfinite(scalar.real) && scalar.real >= -limit && scalar.real < limit) {
    out = static_cast<std::int64_t>(scalar.real);
  } else {
    wrong_type(node, "int");
  }
}

void Decoder::read(const YamlNode& node, std::int64_t& out) {
  std::optional<std::int64_t> number;
  read(node, number);
  if (number) out = *number;
}

void Decoder::read(const YamlNode& node, std::optional<Nanoseconds>& out) {
  if (!spend(node.text.size()) || is_null(node)) return;
  if (!is_scalar(node)) {
    if (fatal_.empty()) fatal_ = "duration must be a YAML string";
    return;
  }
  const auto duration = parse_duration(node.text);
  if (duration) {
    out = *duration;
  } else if (fatal_.empty()) {
    fatal_ = "invalid duration " + quote(node.text);
  }
}

void Decoder::read(const YamlNode& node, std::optional<double>& out) {
  if (!spend(node.text.size()) || is_null(node)) return;
  if (!is_scalar(node)) {
    if (fatal_.empty()) fatal_ = "value must be a YAML number";
    return;
  }
  auto number = parse_float(node.text);
  if (number) {
    out = *number;
  } else if (fatal_.empty()) {
    fatal_ = std::move(number.error());
  }
}

std::string Decoder::error() const {
  if (!fatal_.empty()) return fatal_;
  if (problems_.empty()) return {};
  std::string text = "yaml: unmarshal errors:";
  for (const Problem& problem : problems_) text += "\n  line " + std::to_string(problem.line) + ": " + problem.text;
  return text;
}

}  // namespace cobble::layers
