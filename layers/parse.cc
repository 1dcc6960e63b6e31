#include "layers/parse.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

#include "layers/decoder.h"
#include "layers/fields.h"
#include "layers/quote.h"
#include "layers/validate.h"

namespace cobble::layers {

namespace {

using Done = std::expected<void, std::string>;

constexpr const char* root_type = "map[string]yaml.Node";

/// What differs between the sections that hold named entries.
struct EntryTypes {
  std::string_view map;    ///< of the section, in messages
  std::string_view entry;  ///< of one entry
};

/// Reads a section of named entries. A null entry's name goes to `null_entries`.
template <typename Entry>
void read_entries(Decoder& decoder, const YamlNode& node, std::map<std::string, Entry>& out, const EntryTypes& types,
                  std::vector<std::string>& null_entries) {
  const auto entries = decoder.fields(node, types.map);
  if (!entries) return;
  for (const auto& [name, value] : *entries) {
    if (is_null_node(*value)) {
      null_entries.push_back(name);
      continue;
    }
    Entry& entry = out[name];
    entry.name = name;
    read_fields(decoder, *value, entry, types.entry);
  }
}

class LayerParser {
 public:
  LayerParser(std::string_view label, const Accounts& accounts) : accounts_(accounts) {
    parsed_.layer.label = label;
    prefix_ = "cannot parse layer " + quote(label);
  }

  std::expected<ParsedLayer, std::string> parse(std::string_view text) {
    auto tree = parse_yaml(text);
    if (!tree) return std::unexpected(prefix_ + ": " + tree.error());
    if (auto done = read(tree->root); !done) return std::unexpected(std::move(done.error()));
    for (const auto& [name, service] : parsed_.layer.services) {
      if (name == "all" || name == "default" || name == "none") {
        parsed_.warnings.push_back("Using keyword " + quote(name) + " as a service name is deprecated");
      }
    }
    return std::move(parsed_);
  }

  /// Reads and checks the layer under `root`; null: an empty one.
  Done read(const YamlNode* root) {
    if (root != nullptr) {
      if (auto done = read_sections(*root); !done) return done;
    }
    return validate_layer(parsed_.layer, nulls_, accounts_);
  }

  /// What was found that has a place of its own.
  const std::vector<Decoder::Problem>& problems() const { return problems_; }

 private:
  Done read_sections(const YamlNode& root) {
    Decoder decoder;
    const auto sections = decoder.fields(root, root_type);
    if (auto done = finish(decoder, prefix_ + ": "); !done) return done;
    if (!sections) return {};
    for (const auto& [name, node] : *sections) {
      if (auto done = read_section(name, *node); !done) return done;
    }
    return {};
  }

  Done read_section(const std::string& name, const YamlNode& node) {
    Layer& layer = parsed_.layer;
    if (name == "workloads" || name == "pairing") return read_extension(name, node);
    if (std::ranges::find(section_keys(), name, &Key::name) == section_keys().end())
      return std::unexpected(prefix_ + ": unknown section " + quote(name));
    const std::string prefix = prefix_ + " section " + quote(name) + ": ";
    if (node.kind == YamlNode::Kind::null && !node.explicit_null) return std::unexpected(prefix + "EOF");
    Decoder decoder;
    if (name == "summary") decoder.read(node, layer.summary);
    if (name == "description") decoder.read(node, layer.description);
    if (name == "services") {
      read_entries(decoder, node, layer.services, {"map[string]*plan.Service", "plan.Service"}, nulls_.services);
    }
    if (name == "checks") read_entries(decoder, node, layer.checks, {"map[string]*plan.Check", "plan.Check"}, nulls_.checks);
    if (name == "log-targets") {
      read_entries(decoder, node, layer.log_targets, {"map[string]*plan.LogTarget", "plan.LogTarget"}, nulls_.log_targets);
    }
    return finish(decoder, prefix);
  }

  Done read_extension(const std::string& name, const YamlNode& node) {
    Decoder decoder;
    if (name == "workloads") {
      const std::string prefix = "cannot parse the \"workloads\" section: ";
      if (node.kind == YamlNode::Kind::null && !node.explicit_null) return std::unexpected(prefix + "EOF");
      read_entries(decoder, node, parsed_.layer.workloads, {"workloads.WorkloadsSection", "workloads.Workload"},
                   nulls_.workloads);
      return finish(decoder, prefix);
    }
    if (node.kind != YamlNode::Kind::mapping && node.items.empty()) return {};  // counts as empty
    const auto fields = decoder.fields(node, "pairingstate.pairingConfig");
    for (const auto& [key, value] : fields.value_or(Decoder::Fields{})) {
      if (key == "mode") {
        decoder.read(*value, parsed_.layer.pairing_mode, "pairingstate.Mode");
      } else {
        decoder.unknown_field(*value, key, "pairingstate.pairingConfig");
      }
    }
    return finish(decoder, "cannot parse the pairing section: ");
  }

  Done finish(const Decoder& decoder, const std::string& prefix) {
    problems_.insert(problems_.end(), decoder.problems().begin(), decoder.problems().end());
    if (std::string error = decoder.error(); !error.empty()) return std::unexpected(prefix + error);
    return {};
  }

  const Accounts& accounts_;
  std::string prefix_;
  ParsedLayer parsed_;
  NullEntries nulls_;
  std::vector<Decoder::Problem> problems_;
};

/// Finds what is wrong by reading each entry as if it stood alone.
class FaultFinder {
 public:
  FaultFinder(std::string_view label, const Accounts& accounts) : label_(label), accounts_(accounts) {}

  std::vector<Fault> find(const YamlNode& root) && {
    Decoder decoder;
    const auto sections = decoder.fields(root, root_type);
    take(decoder, root);
    for (const auto& [name, node] : sections.value_or(Decoder::Fields{})) look_at_section(root, name, *node);
    std::ranges::sort(faults_, {}, [](const Fault& fault) { return std::tie(fault.line, fault.column, fault.text); });
    return std::move(faults_);
  }

 private:
  void look_at_section(const YamlNode& root, const std::string& name, const YamlNode& node) {
    static constexpr std::array with_entries{"services", "checks", "log-targets", "workloads"};
    const YamlNode& place = key_of(root, name, node);
    if (std::ranges::find(with_entries, name) == with_entries.end() || node.kind != YamlNode::Kind::mapping)
      return look_at(name, node, place);
    Decoder decoder;
    const auto entries = decoder.fields(node, name);
    take(decoder, node);
    for (const auto& [entry, value] : entries.value_or(Decoder::Fields{})) {
      const YamlNode key = text_node(entry);
      YamlNode alone = node;
      alone.pairs = {{&key, value}};
      look_at(name, alone, key_of(node, entry, *value));
    }
  }

  /// Reads a layer that consists of one section.
  void look_at(const std::string& section, const YamlNode& node, const YamlNode& place) {
    const YamlNode key = text_node(section);
    YamlNode root;
    root.kind = YamlNode::Kind::mapping;
    root.pairs = {{&key, &node}};
    LayerParser parser(label_, accounts_);
    const auto done = parser.read(&root);
    if (done) return;
    for (const Decoder::Problem& problem : parser.problems()) faults_.push_back({problem.line, problem.column, problem.text});
    if (parser.problems().empty()) faults_.push_back({place.line, place.column, done.error()});
  }

  void take(const Decoder& decoder, const YamlNode& place) {
    for (const Decoder::Problem& problem : decoder.problems()) faults_.push_back({problem.line, problem.column, problem.text});
    if (decoder.problems().empty() && !decoder.error().empty()) faults_.push_back({place.line, place.column, decoder.error()});
  }

  /// The key of a pair of `mapping`; the value where the pair was merged in from elsewhere.
  static const YamlNode& key_of(const YamlNode& mapping, const std::string& name, const YamlNode& value) {
    const auto pair = std::ranges::find_if(mapping.pairs, [&](const auto& each) { return each.first->text == name; });
    return pair == mapping.pairs.end() ? value : *pair->first;
  }

  static YamlNode text_node(const std::string& text) {
    YamlNode node;
    node.kind = YamlNode::Kind::scalar;
    node.quoted = true;
    node.text = text;
    return node;
  }

  std::string label_;
  const Accounts& accounts_;
  std::vector<Fault> faults_;
};

/// The line that the error of parse_yaml names; 0 if it names none.
int line_of(std::string_view error) {
  static constexpr std::string_view begin = "yaml: line ";
  int line = 0;
  if (error.starts_with(begin)) std::from_chars(error.data() + begin.size(), error.data() + error.size(), line);
  return line;
}

}  // namespace

std::expected<ParsedLayer, std::string> parse_layer(std::string_view label, std::string_view text, const Accounts& accounts) {
  return LayerParser(label, accounts).parse(text);
}

std::vector<Fault> find_faults(std::string_view label, std::string_view text, const Accounts& accounts) {
  const auto tree = parse_yaml(text);
  if (!tree) return {{line_of(tree.error()), 0, tree.error()}};
  if (const auto empty = LayerParser(label, accounts).read(nullptr); !empty) return {{0, 0, empty.error()}};  // its label
  std::vector<Fault> faults;
  if (tree->root != nullptr) faults = FaultFinder(label, accounts).find(*tree->root);
  if (!faults.empty()) return faults;
  // What only the whole has too much of, such as aliases.
  if (const auto whole = parse_layer(label, text, accounts); !whole) return {{0, 0, whole.error()}};
  return {};
}

}  // namespace cobble::layers
